package dev.nibble.device;

import org.junit.jupiter.api.Nested;

/** Every part of the contract of devices, with what models of latent attention and shared experts need. */
abstract class LatentContract extends WholeContract {
    @Nested
    class LatentAttention extends LatentAttentionContract {
        LatentAttention() {
            super(subject());
        }
    }

    @Nested
    class SharedExperts extends SharedExpertContract {
        SharedExperts() {
            super(subject());
        }
    }
}
