package dev.nibble.device.cpu;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** What the operating system says about the processor and its memory. */
final class Processor {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
    private static final Path MEMORY_INFO = Path.of("/proc/meminfo");

    private Processor() {}

    /** The processor's name for people; its architecture where the system does not say. */
    static String name() {
        return line(CPU_INFO, "model name").orElse(System.getProperty("os.arch"));
    }

    /** Memory that programs can still take, in bytes: what is free and what caches would give back. */
    static long availableMemory() {
        if (!(ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.OperatingSystemMXBean system)) {
            return Long.MAX_VALUE;
        }
        Function<String, Long> kilobytes = text -> Long.parseLong(text.replaceAll("\\D", "")) * 1024;
        return Math.min(
                system.getTotalMemorySize(),
                line(MEMORY_INFO, "MemAvailable").map(kilobytes).orElseGet(system::getFreeMemorySize));
    }

    private static Optional<String> line(Path file, String key) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(key))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
