// csc [-library] OUTPUT.dll FILE...: compiles C# by Microsoft's compiler against the .NET that runs this program.
// Every warning is an error, references that may be null are checked. Compiled by mcs, so written as that reads it.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

static class Csc
{
    // What .NET has since version 5 and the compiler asks for.
    const string Missing =
        "namespace System.Runtime.CompilerServices { internal static class IsExternalInit { } }";

    static int Main(string[] arguments)
    {
        var compiler = typeof(CSharpCompilation).Assembly.GetName().Version;
        if (arguments.Contains("--version"))
        {
            Console.WriteLine("C# compiler " + compiler + " on .NET " + Environment.Version);
            return 0;
        }
        var isLibrary = arguments.FirstOrDefault() == "-library";
        var rest = isLibrary ? arguments.Skip(1) : arguments;
        var output = rest.First();

        var language = new CSharpParseOptions(LanguageVersion.CSharp10);
        var trees = new List<SyntaxTree> { CSharpSyntaxTree.ParseText(Missing, language) };
        foreach (var file in rest.Skip(1))
        {
            trees.Add(CSharpSyntaxTree.ParseText(File.ReadAllText(file), language, file));
        }
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location);
        var references = new List<MetadataReference>();
        foreach (var file in Directory.GetFiles(runtime, "*.dll"))
        {
            references.Add(MetadataReference.CreateFromFile(file));
        }
        var options = new CSharpCompilationOptions(
            isLibrary ? OutputKind.DynamicallyLinkedLibrary : OutputKind.ConsoleApplication,
            generalDiagnosticOption: ReportDiagnostic.Error,
            warningLevel: 6,
            nullableContextOptions: NullableContextOptions.Enable);
        var name = Path.GetFileNameWithoutExtension(output);
        var result = CSharpCompilation.Create(name, trees, references, options).Emit(output);
        foreach (var diagnostic in result.Diagnostics)
        {
            if (diagnostic.Severity != DiagnosticSeverity.Hidden) Console.WriteLine(diagnostic);
        }
        // As of this program, so that `dotnet exec` starts what came out.
        var own = Path.ChangeExtension(typeof(Csc).Assembly.Location, "runtimeconfig.json");
        File.Copy(own, Path.ChangeExtension(output, "runtimeconfig.json"), true);
        return result.Success ? 0 : 1;
    }
}
