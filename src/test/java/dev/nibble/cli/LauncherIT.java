package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** The launchers as people use them, on the packaged jar. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class LauncherIT {
    private static final String PROMPT = "'Anna put the red ball in the blue box.'";

    @TempDir
    private Path folder;

    /** The first start after a build prepares later ones, and says so. */
    @BeforeAll
    static void startOnce() throws Exception {
        assertEquals(
                0, new ProcessBuilder("scripts/nibble", "--version").start().waitFor());
    }

    /** What a shell command left behind. */
    private record Result(int status, String out, String err) {}

    private Result bash(String script) throws Exception {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process = new ProcessBuilder("bash", "-c", script)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        int status = process.waitFor();
        return new Result(
                status, Files.readString(out, StandardCharsets.UTF_8), Files.readString(err, StandardCharsets.UTF_8));
    }

    @Test
    void generatesTextFromTheBundledModel() throws Exception {
        Result result = bash("scripts/nibble run --temperature 0 -n 12 -p " + PROMPT);
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().length() > 10, result.out());
        assertFalse(result.out().contains("WARNING"), result.out());
        assertTrue(result.err().contains("device: cpu"), result.err());
    }

    @Test
    void worksFromAnyFolderAndThroughLinks() throws Exception {
        Path link = folder.resolve("nibble");
        Files.createSymbolicLink(link, Path.of("scripts/nibble").toAbsolutePath());
        Result result = bash("cd " + folder + " && ./nibble --version");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().startsWith("nibble 0."), result.out());
    }

    @Test
    void textOfAnyLanguageSurvivesAnyLocale() throws Exception {
        for (String locale : new String[] {"C", "C.UTF-8", ""}) {
            Result result = bash("export LC_ALL=" + locale
                    + "; scripts/nibble tokenize --plain --text 'Žluťoučký 🐎 naïve' | scripts/nibble detokenize");
            assertEquals(0, result.status(), result.err());
            assertEquals("Žluťoučký 🐎 naïve", result.out());
        }
    }

    @Test
    void aClosedPipeIsNoError() throws Exception {
        Result result = bash("scripts/nibble run -p " + PROMPT + " | head -c 10; echo \" ${PIPESTATUS[0]}\"");
        assertTrue(result.out().matches("(?s).{10} (0|141)\n"), result.out());
        assertFalse(result.err().contains("Exception"), result.err());
        assertFalse(result.err().contains("nibble: "), result.err());
    }

    @Test
    void anInterruptEndsInOrder() throws Exception {
        // The slow device: the other is done before the interrupt comes. And with it, even where who started the tests
        // ignores it.
        String run = "env --default-signal=INT scripts/nibble run --device reference --logit-bias 2=-inf -p " + PROMPT;
        Result result = bash("set -m; " + run + " >" + folder + "/text & pid=$!; " + "until [ -s " + folder
                + "/text ]; do sleep 0.05; done; kill -INT $pid; wait $pid");
        assertEquals(130, result.status(), result.err());
        assertTrue(result.err().contains("stopped: cancelled"), result.err());
        assertTrue(Files.readString(folder.resolve("text")).endsWith("\n"));
    }

    @Test
    void exitCodesReachTheShell() throws Exception {
        assertEquals(2, bash("scripts/nibble run --no-such-option").status());
        assertEquals(3, bash("scripts/nibble inspect pom.xml").status());
        assertEquals(4, bash("scripts/nibble run -p x --device cuda:0").status());
        assertEquals(5, bash("scripts/nibble run -p x --ctx 2000000000").status());
        Result noJdk = bash("NIBBLE_JAVA_HOME=/nowhere scripts/nibble --version");
        assertEquals(4, noJdk.status());
        assertTrue(noJdk.err().contains("/nowhere"), noJdk.err());
    }

    @Test
    void theBenchmarkMeasures() throws Exception {
        Result result = bash("scripts/runtime-bench -p 16 -n 4 -r 2 --json --html " + folder + "/bench.html");
        assertEquals(0, result.status(), result.err());
        var rows = new JsonMapper().readTree(result.out());
        assertEquals("pp16", rows.get(0).get("test").asString());
        assertEquals("tg4", rows.get(1).get("test").asString());
        assertTrue(Files.readString(folder.resolve("bench.html")).contains("<svg"));
    }
}
