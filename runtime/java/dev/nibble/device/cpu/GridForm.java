package dev.nibble.device.cpu;

import dev.nibble.quant.Grid;
import java.lang.foreign.MemorySegment;

/**
 * How weights are stored that are points of a {@link Grid}. A weight is d · factor · (2 s + 1) · integer, with a scale s of four bits
 * or less for 32 or 16 columns. Lines and words are those of {@link PanelWords}; a plane is a quarter of a line, four bits of each row.
 *
 * <p>A panel begins with a line of half precision d. A block has a word of the numbers of points of eight columns, a byte for each, or
 * two words of the numbers of points of four columns, even points first; and a word of sign bytes, one for each eight columns. Where a point number has more than eight bits, planes hold the bits above, one for
 * each point of a word; scales are planes too. These come in a line of the block, or, where they do not fill one, at the head of the
 * panel. Types that leave the eighth sign to the other seven keep four bits of a row in the top bits of its sign bytes: the scale, or
 * the top bits of its point numbers. Instead of signs, IQ1 types have a plane of shifts: integers are 8 · point ± 1.
 */
enum GridForm implements PanelForm {
    /** Block: numbers; planes: three of their top bits, scale and shift. */
    IQ1_S(Grid.IQ1, 1, 3, 0.125f) {
        @Override
        void read(GridPanel panel, int b) {
            int line = lineOf(b);
            panel.high(line + 2, 0, 3);
            panel.expand(line, 0, b);
            panel.steps(line + 2, 3, 7, b);
            panel.shiftBlocks(line + 2, 3, b);
        }
    },

    /** Head: the four lines of the file, of whose halves the top four bits make d. Block: numbers; planes: three of top bits, shifts. */
    IQ1_M(Grid.IQ1, 4, 3, 0.125f) {
        @Override
        void read(GridPanel panel, int b) {
            int line = lineOf(b);
            panel.high(line + 2, 0, 3);
            panel.expand(line, 0, b);
            panel.packedSteps(b);
            panel.shiftPoints(line + 2, 3, b);
        }

        @Override
        void readHead(GridPanel panel) {
            panel.splitFactors(factor());
        }
    },

    /** Block: numbers, signs with the scale. */
    IQ2_XXS(Grid.IQ2_XXS, 1, 4, 0.125f) {
        @Override
        void read(GridPanel panel, int b) {
            int line = lineOf(b);
            panel.high(line, 0, 0);
            panel.expand(line, 0, b);
            panel.spareSteps(line + 2, b);
            panel.evenSigns(line + 2, b);
        }
    },

    /** Head: two planes of scales of each block. Block: numbers, signs with the numbers' top bits. */
    IQ2_XS(Grid.IQ2_XS, 5, 4, 0.125f) {
        @Override
        void read(GridPanel panel, int b) {
            int line = lineOf(b);
            panel.spareHigh(line + 2);
            panel.expand(line, 0, b);
            panel.halfSteps(1 + b / 2, 2 * (b % 2), b);
            panel.evenSigns(line + 2, b);
        }
    },

    /** Block: numbers; signs; planes: two of top bits, two of scales. */
    IQ2_S(Grid.IQ2_S, 1, 5, 0.125f) {
        @Override
        void read(GridPanel panel, int b) {
            int line = lineOf(b);
            panel.high(line + 4, 0, 2);
            panel.expand(line, 0, b);
            panel.halfSteps(line + 4, 2, b);
            panel.signs(line + 2, b);
        }
    },

    /** Block: two words of numbers, signs with the scale. */
    IQ3_XXS(Grid.IQ3_XXS, 1, 6, 0.25f) {
        @Override
        void read(GridPanel panel, int b) {
            int line = lineOf(b);
            panel.high(line, 0, 0);
            panel.expand(line, 0, b);
            panel.expand(line + 2, 1, b);
            panel.spareSteps(line + 4, b);
            panel.evenSigns(line + 4, b);
        }
    },

    /** Head: two planes of top bits of each block, then a plane of scales of each. Block: two words of numbers, signs. */
    IQ3_S(Grid.IQ3_S, 7, 6, 1) {
        @Override
        void read(GridPanel panel, int b) {
            int line = lineOf(b);
            for (int word = 0; word < 2; word++) {
                panel.high(1 + b / 2, 2 * (b % 2) + word, 1);
                panel.expand(line + 2 * word, word, b);
            }
            panel.steps(5 + b / 4, b % 4, 15, b);
            panel.signs(line + 4, b);
        }
    };

    private final Grid grid;
    private final int headLines;
    private final int blockLines;
    private final float factor;

    GridForm(Grid grid, int headLines, int blockLines, float factor) {
        this.grid = grid;
        this.headLines = headLines;
        this.blockLines = blockLines;
        this.factor = factor;
    }

    Grid grid() {
        return grid;
    }

    /** The factor of all weights. */
    float factor() {
        return factor;
    }

    /** The first line of a block in its panel. */
    int lineOf(int block) {
        return headLines + block * blockLines;
    }

    /** Turns a block to bytes and steps. */
    abstract void read(GridPanel panel, int block);

    /** Reads the factors of the rows. */
    void readHead(GridPanel panel) {
        panel.factors(factor);
    }

    @Override
    public int headerBytes() {
        return headLines * PanelWords.LINE;
    }

    @Override
    public int blockBytes() {
        return blockLines * PanelWords.LINE;
    }

    @Override
    public boolean hasOffsets() {
        return false;
    }

    @Override
    public QuantForm.Sums sums() {
        return QuantForm.Sums.FLOATS_OF_BLOCKS;
    }

    @Override
    public int[] pairs(QuantizedRows x) {
        return x.blockPairs;
    }

    @Override
    public ShiftedActivations activations() {
        return ShiftedActivations.EIGHT_BITS;
    }

    @Override
    public void unpack(MemorySegment tile, int offset, int blocks, TileWorkspace workspace) {
        GridPanel panel = workspace.gridPanel;
        panel.read(this, tile, offset, blocks, workspace.bytes);
        GridProducts.unpack(panel, blocks, workspace);
    }

    /** A panel times one token: see {@link TokenProduct}. */
    void multiply(MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        GridPanel panel = workspace.gridPanel;
        panel.read(this, tile, offset, blocks, workspace.bytes);
        GridProducts.multiply(panel, workspace.bytes, blocks, x, block, workspace.results);
    }
}
