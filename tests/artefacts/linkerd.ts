// The policies of Linkerd, as far as we write them, after its own resource definitions: nobody publishes types.
type Meta = { name: string; namespace: string };
type Access = 'deny' | 'audit' | 'all-authenticated' | 'cluster-authenticated';
interface LinkerdServer {
  apiVersion: 'policy.linkerd.io/v1beta3';
  kind: 'Server';
  metadata: Meta;
  spec: {
    podSelector: { matchLabels: Record<string, string> };
    port: string | number;
    proxyProtocol?: 'unknown' | 'HTTP/1' | 'HTTP/2' | 'gRPC' | 'opaque' | 'TLS';
    accessPolicy?: Access;
  };
}
interface LinkerdAuthorizationPolicy {
  apiVersion: 'policy.linkerd.io/v1alpha1';
  kind: 'AuthorizationPolicy';
  metadata: Meta;
  spec: {
    targetRef: { group: 'policy.linkerd.io'; kind: 'Server'; name: string };
    requiredAuthenticationRefs: {
      group: 'policy.linkerd.io';
      kind: 'MeshTLSAuthentication' | 'NetworkAuthentication';
      name: string;
      namespace?: string;
    }[];
  };
}
type Identities =
  | { identities: string[] }
  | { identityRefs: { kind: 'ServiceAccount'; name: string; namespace?: string }[] };
interface LinkerdMeshTLSAuthentication {
  apiVersion: 'policy.linkerd.io/v1alpha1';
  kind: 'MeshTLSAuthentication';
  metadata: Meta;
  spec: Identities;
}
interface LinkerdNetworkAuthentication {
  apiVersion: 'policy.linkerd.io/v1alpha1';
  kind: 'NetworkAuthentication';
  metadata: Meta;
  spec: { networks: { cidr: string; except?: string[] }[] };
}
