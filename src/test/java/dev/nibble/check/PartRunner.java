package dev.nibble.check;

import dev.nibble.check.PartOutcome.End;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.NullNode;

/** Runs parts of the check within their budgets, and none beyond the end of all. */
final class PartRunner {
    private static final double NANOS = 1e9;
    private static final JsonMapper MAPPER = new JsonMapper();

    private final Path folder;
    private final long endNanos;

    /**
     * Begins to count time.
     *
     * @param folder where outputs are kept meanwhile
     * @param budget of all parts together
     */
    PartRunner(Path folder, Duration budget) {
        this.folder = folder;
        this.endNanos = System.nanoTime() + budget.toNanos();
    }

    /** Runs a part; whatever becomes of it, others may follow. */
    PartOutcome run(CheckPart part) {
        long start = System.nanoTime();
        long nanos = Math.min(part.budget().toNanos(), endNanos - start);
        if (nanos <= 0) {
            return new PartOutcome(part, End.OUT_OF_TIME, 0, "not begun", NullNode.getInstance());
        }
        Path out = folder.resolve(part.name() + ".out");
        Path err = folder.resolve(part.name() + ".err");
        try {
            ProcessBuilder builder = new ProcessBuilder(part.command())
                    .redirectInput(ProcessBuilder.Redirect.PIPE)
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            builder.environment().putAll(part.environment());
            Process process = builder.start();
            process.getOutputStream().close();
            End end = await(process, nanos);
            double seconds = (System.nanoTime() - start) / NANOS;
            return new PartOutcome(part, end, seconds, lastLine(err), json(out));
        } catch (IOException e) {
            return new PartOutcome(part, End.LEFT_OUT, 0, e.getMessage(), NullNode.getInstance());
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static End await(Process process, long nanos) throws InterruptedException {
        if (!process.waitFor(nanos, TimeUnit.NANOSECONDS)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
            return End.OUT_OF_TIME;
        }
        return switch (process.exitValue()) {
            case 0 -> End.HELD;
            case CheckPart.UNAVAILABLE, CheckPart.DOES_NOT_FIT -> End.LEFT_OUT;
            default -> End.FAILED;
        };
    }

    private static String lastLine(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.isBlank())
                .reduce("", (before, line) -> line.strip());
    }

    private static JsonNode json(Path file) throws IOException {
        try {
            JsonNode node = MAPPER.readTree(Files.readAllBytes(file));
            return node.isMissingNode() ? NullNode.getInstance() : node;
        } catch (JacksonException e) {
            return NullNode.getInstance();
        }
    }
}
