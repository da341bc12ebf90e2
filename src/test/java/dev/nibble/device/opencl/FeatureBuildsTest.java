package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Kernels compile with all features: no device of a test machine has them, so the compiler that PoCL is made of compiles them for a
 * GPU that it knows nothing of. Skipped where that is not installed.
 */
class FeatureBuildsTest {
    private static final List<String> COMPILERS = List.of("clang-15", "clang-14", "clang");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "features, ''",
        "rows, -DLANES=256 -DVECTOR=1",
        "kv, -DKEYS=F16 -DVALUES=Q8_0 -DUNIT=32 -DLANES=64 -DVECTOR=1",
        "attention, -DKEYS=F16 -DVALUES=F16 -DKEY_SIZE=64 -DVALUE_SIZE=64 -DQUERIES=8 -DTILE=128 -DLANES=128 -DVECTOR=1",
        "attention, -DKEYS=Q8_0 -DVALUES=Q4_0 -DKEY_SIZE=64 -DVALUE_SIZE=64 -DQUERIES=4 -DTILE=128 -DLANES=128 -DVECTOR=1",
        "attention, -DKEYS=Q4_0 -DVALUES=Q8_0 -DKEY_SIZE=64 -DVALUE_SIZE=64 -DQUERIES=1 -DTILE=128 -DLANES=128 -DVECTOR=1",
        "matmul, Q8_0",
        "matmul, IQ3_XXS",
    })
    void compiles(String family, String options) throws Exception {
        String all = family.equals("matmul")
                ? WeightLayout.valueOf(options).options() + " -DLANES=1 -DTOKENS=8 -DSPLITS=8"
                : options;
        Path source = folder.resolve(family + ".cl");
        Files.writeString(source, KernelSource.of(family), StandardCharsets.UTF_8);
        List<String> command = new ArrayList<>(List.of(
                compiler(),
                "-x",
                "cl",
                "-cl-std=CL3.0",
                "-target",
                "spir64",
                "-fsyntax-only",
                "-Xclang",
                "-finclude-default-header",
                "-w"));
        Arrays.stream(DeviceFeature.values()).map(DeviceFeature::option).forEach(command::add);
        Arrays.stream(all.split(" ")).filter(option -> !option.isEmpty()).forEach(command::add);
        command.add(source.toString());
        Process build = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, build.waitFor(), output);
    }

    private static String compiler() throws InterruptedException {
        for (String name : COMPILERS) {
            try {
                Process version = new ProcessBuilder(name, "--version")
                        .redirectErrorStream(true)
                        .start();
                version.getInputStream().readAllBytes();
                if (version.waitFor() == 0) {
                    return name;
                }
            } catch (IOException e) {
                continue;
            }
        }
        Assumptions.abort("there is none of " + COMPILERS);
        throw new AssertionError();
    }
}
