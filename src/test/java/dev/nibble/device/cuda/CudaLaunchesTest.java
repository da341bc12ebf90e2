package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.TokenSession;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How many kernels a token takes. */
@ExtendWith(NeedsCudaSimulator.class)
class CudaLaunchesTest {
    private static final int LAYERS = 4;

    /**
     * Queries, keys and values; what turns and writes them; attention; the merging of its parts, which quantizes; its product; the norm; gate
     * and up; down; the norm.
     */
    private static final int OF_A_LAYER = 9;

    /** What the host writes, embedding, norm, two gatherings and quantizing what the first gave, logits, the largest. */
    private static final int OTHERS = 8;

    private final CudaSimulator simulator = new CudaSimulator();

    @Test
    void aTokenOfALayerTakesFewLaunches() throws Exception {
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0);
                LanguageModel model = LanguageModel.openDemo(
                        ModelOptions.builder().device(device).build());
                TokenSession session = model.session()) {
            session.feed(1);
            simulator.fail("");
            session.feed(2);
            assertEquals(OTHERS + LAYERS * OF_A_LAYER, simulator.calls("kernel"));
        }
    }
}
