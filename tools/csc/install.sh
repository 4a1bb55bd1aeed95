#!/usr/bin/env bash
# Puts `csc` (Microsoft's C# compiler, called by Csc.cs) and `dotnet` into .tools/bin, out of what PyPI and npm have:
# no registry that answers here has an SDK. install.sh of the folder above calls this when the packages are there.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
here=.tools/csc
rm -rf "$here"
mkdir -p "$here/ssl"
dotnet=$(.tools/py/bin/python -c 'import dotnetcore2, pathlib; print(pathlib.Path(dotnetcore2.__file__).parent / "bin")')
chmod +x "$dotnet/dotnet"

# This .NET opens OpenSSL 1.1 for its hashes; psycopg2 brings that along.
.tools/py/bin/pip download -q --no-deps --only-binary :all: --python-version 3.9 \
  --platform manylinux_2_17_x86_64 -d "$here/ssl" psycopg2-binary==2.9.3
.tools/py/bin/python -m zipfile -e "$here"/ssl/*.whl "$here/ssl"
cp "$here"/ssl/*.libs/libcrypto-*.so.1.1 "$here/ssl/"
cp "$here"/ssl/*.libs/libssl-*.so.1.1 "$here/ssl/libssl.so.1.1"
ln -s "$(basename "$here"/ssl/libcrypto-*)" "$here/ssl/libcrypto.so.1.1"

# AutoRest writes C# and so brings the compiler along.
brought=.tools/npm/node_modules/@autorest/csharp
for library in Microsoft.CodeAnalysis Microsoft.CodeAnalysis.CSharp System.Collections.Immutable \
  System.Reflection.Metadata System.Runtime.CompilerServices.Unsafe; do
  cp "$brought/$library.dll" "$here/"
done
cp tools/csc/roslyn.*.json "$here/"
runtime=$(echo "$dotnet"/shared/Microsoft.NETCore.App/*)
references=()
for library in "$runtime"/{System.Private.CoreLib,netstandard,System.Runtime,System.Collections,System.Linq,System.Console,System.IO.FileSystem,System.Runtime.Extensions}.dll \
  "$here"/{Microsoft.CodeAnalysis,Microsoft.CodeAnalysis.CSharp,System.Collections.Immutable}.dll; do
  references+=("-r:$library")
done
mcs -nologo -nostdlib -noconfig -out:"$here/roslyn.exe" "${references[@]}" tools/csc/Csc.cs

cat > .tools/bin/dotnet <<EOT
#!/usr/bin/env bash
LD_LIBRARY_PATH="$root/$here/ssl" DOTNET_CLI_TELEMETRY_OPTOUT=1 exec "$dotnet/dotnet" "\$@"
EOT
cat > .tools/bin/csc <<EOT
#!/usr/bin/env bash
exec "$root/.tools/bin/dotnet" exec "$root/$here/roslyn.exe" "\$@"
EOT
chmod +x .tools/bin/dotnet .tools/bin/csc
csc=$(.tools/bin/csc --version) || { echo "the C# compiler does not start" >&2; exit 1; }
echo "$csc"
