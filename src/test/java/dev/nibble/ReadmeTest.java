package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the README says is true: its example compiles and runs, in a program with nothing but the library on its class path. */
@Timeout(120)
final class ReadmeTest {
    private static final Path CLASSES = Path.of("target/classes").toAbsolutePath();
    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern RECIPE = Pattern.compile("```java\n(try .*?)```", Pattern.DOTALL);
    private static final Pattern CUDA = Pattern.compile("`(CudaDevice device = [^`]*;)`");
    private static final Pattern JCUDA = Pattern.compile("`(class Memory extends CUdeviceptr [^`]*)`");
    private static final Pattern FLAGS = Pattern.compile("`(--add-modules [^`]*)`");
    private static final Pattern SCRIPT = Pattern.compile("\\bscripts/[a-z-]+");

    @TempDir
    private Path folder;

    private String readme;

    /** What a program left behind. */
    private record Result(int status, String out, String err) {}

    @BeforeEach
    void read() throws IOException {
        readme = Files.readString(Path.of("README.md"));
    }

    @Test
    void theExampleRunsWithTheFlagsThatAreGiven() throws Exception {
        compileExample();
        Result result = runExample(first(FLAGS).split(" "));
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().length() > 30, result.out());
        assertEquals("WARNING: Using incubator modules: jdk.incubator.vector\n", result.err());
    }

    @Test
    void theExampleRunsWithoutFlagsAndSaysOnceWhatIsMissing() throws Exception {
        compileExample();
        Result result = runExample();
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().length() > 30, result.out());
        assertEquals(2, result.err().split("--add-modules jdk.incubator.vector", -1).length, "once: " + result.err());
    }

    /** For applications that lend objects of OpenCL or CUDA. */
    @Test
    void theRecipesCompile() throws IOException {
        String recipe = first(RECIPE);
        String openCl = "OpenClDevice device = OpenClDevice.attach(context, id, queue);";
        assertTrue(recipe.contains(openCl), recipe);
        String cuda = first(CUDA);
        compileRecipe("OfOpenCl", recipe);
        compileRecipe("OfCuda", recipe.replace(openCl, cuda));
        assertTrue(readme.contains("`attach(context)`") && readme.contains("`CudaDevice.current()`"));
        compileRecipe("OfContext", recipe.replace(openCl, cuda.replace("(context, stream)", "(context)")));
        compileRecipe("OfThread", recipe.replace(openCl, cuda.replace("attach(context, stream)", "current()")));
        compile("Memory", "import jcuda.driver.CUdeviceptr;\n" + first(JCUDA));
    }

    private void compileRecipe(String name, String recipe) throws IOException {
        compile(name, """
                import dev.nibble.LanguageModel;
                import dev.nibble.ModelOptions;
                import dev.nibble.TokenSession;
                import dev.nibble.device.Buffer;
                import dev.nibble.device.ElementType;
                import dev.nibble.device.cuda.CudaDevice;
                import dev.nibble.device.opencl.OpenClDevice;
                import java.nio.file.Path;
                class %s {
                    void run(long context, long id, long queue, long stream, long buffer, Path path) throws Exception {
                        %s
                    }
                }
                """.formatted(name, recipe));
    }

    @Test
    void itNamesOnlyWhatExists() {
        Matcher scripts = SCRIPT.matcher(readme);
        int found = 0;
        while (scripts.find()) {
            assertTrue(Files.isExecutable(Path.of(scripts.group())), scripts.group());
            found++;
        }
        assertTrue(found >= 5, "scripts named: " + found);
        for (DeviceInfo device : DeviceInfo.all()) {
            String kind = device.name().split(":")[0];
            assertTrue(readme.contains("| `" + kind + "` |"), kind);
        }
    }

    private void compileExample() throws IOException {
        compile("Example", first(EXAMPLE), "-cp", CLASSES.toString());
    }

    private void compile(String name, String text, String... options) throws IOException {
        Path source = Files.writeString(folder.resolve(name + ".java"), text);
        List<String> all = new ArrayList<>(List.of("-d", folder.toString(), "-proc:none"));
        all.addAll(List.of(options));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            boolean compiled = compiler.getTask(messages, files, null, all, null, files.getJavaFileObjects(source))
                    .call();
            assertTrue(compiled, messages.toString());
        }
    }

    private Result runExample(String... flags) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", CLASSES + System.getProperty("path.separator") + folder, "Example"));
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command);
        Stream.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS").forEach(builder.environment()::remove);
        Process process =
                builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        int status = process.waitFor();
        return new Result(status, Files.readString(out), Files.readString(err));
    }

    private String first(Pattern pattern) {
        Matcher matcher = pattern.matcher(readme);
        assertTrue(matcher.find(), pattern.pattern());
        return matcher.group(1);
    }
}
