package dev.nibble.device;

import org.junit.jupiter.api.Nested;

/** Every part of the contract of devices, for one kind of device, which a subclass names. */
abstract class WholeContract extends ContractWithoutAttention {
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
}
