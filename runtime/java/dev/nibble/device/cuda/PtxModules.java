package dev.nibble.device.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** The text of modules of kernels, from the resources of this jar. */
final class PtxModules {
    private static final String FOLDER = "/cuda-kernels/ptx/compute_";

    /** The compute capabilities that modules are made for, the highest first. */
    private static final List<Integer> CAPABILITIES = List.of(80, 75);

    /**
     * A module.
     *
     * @param file where it is from, for messages
     * @param text what it holds
     */
    record Ptx(String file, String text) {}

    private PtxModules() {}

    /** The module for the highest compute capability that a device has. */
    static Ptx of(String module, int capability) {
        return CAPABILITIES.stream()
                .filter(made -> made <= capability)
                .flatMap(made -> read(FOLDER + made + "/" + module + ".ptx").stream())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("this build holds no kernels " + module
                        + ".ptx for compute capability " + capability / 10 + "." + capability % 10));
    }

    private static Optional<Ptx> read(String file) {
        try (InputStream text = PtxModules.class.getResourceAsStream(file)) {
            return text == null
                    ? Optional.empty()
                    : Optional.of(new Ptx(file, new String(text.readAllBytes(), StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
