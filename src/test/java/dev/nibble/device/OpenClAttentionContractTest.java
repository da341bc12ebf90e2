package dev.nibble.device;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** Attention on the first OpenCL device: its kernels take a driver for processors minutes to compile. */
@Tag("slow")
@ExtendWith(NeedsOpenCl.class)
class OpenClAttentionContractTest {
    private static DeviceContract.Subject subject() {
        OpenClDeviceContractTest device = new OpenClDeviceContractTest();
        return device.subject();
    }

    @Nested
    class Attention extends AttentionContract {
        Attention() {
            super(subject());
        }
    }

    @Nested
    class QuantizedAttention extends QuantizedAttentionContract {
        QuantizedAttention() {
            super(subject());
        }
    }

    @Nested
    class LatentAttention extends LatentAttentionContract {
        LatentAttention() {
            super(subject());
        }
    }

    @Nested
    class Tile extends TileContract {
        Tile() {
            super(subject());
        }
    }
}
