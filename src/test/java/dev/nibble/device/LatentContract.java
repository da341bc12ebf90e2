package dev.nibble.device;

import org.junit.jupiter.api.Nested;

/** Every part of the contract of devices, with attention over latent vectors. */
abstract class LatentContract extends WholeContract {
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
