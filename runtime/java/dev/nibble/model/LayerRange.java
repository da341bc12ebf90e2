package dev.nibble.model;

/**
 * A run of a model's layers, as one device has them.
 *
 * @param first the first layer
 * @param end the layer after the last
 * @param total layers of the model
 * @param leads whether tokens come in and logits go out here, where the first and the last layer are: of devices that have parts of
 *     the same layers only one does that
 */
public record LayerRange(int first, int end, int total, boolean leads) {
    /** Layers that are on one device. */
    public LayerRange(int first, int end, int total) {
        this(first, end, total, true);
    }

    /** Checks that there is a layer, and that the model has it. */
    public LayerRange {
        if (first < 0 || end <= first || total < end) {
            throw new IllegalArgumentException("no layers " + first + " to " + (end - 1) + " of " + total);
        }
    }

    /** All layers of a model. */
    public static LayerRange all(int total) {
        return new LayerRange(0, total, total);
    }

    /** A part of all layers of a model, which takes no tokens in and gives no logits. */
    public static LayerRange inner(int total) {
        return new LayerRange(0, total, total, false);
    }

    /** Whether the last layer is here, after which only the rows are needed that give logits. */
    public boolean hasLast() {
        return end == total;
    }

    /** The number of layers. */
    public int count() {
        return end - first;
    }

    /** Whether the model begins here: token ids come in, and not what another device's layers give. */
    public boolean beginsModel() {
        return leads && first == 0;
    }

    /** Whether the model ends here: logits come out, and not what another device's layers take. */
    public boolean endsModel() {
        return leads && hasLast();
    }

    /**
     * Whether these layers need a tensor: it is of one of them, or the model begins or ends here and so does the tensor's part.
     */
    public boolean need(Weights.Tensor tensor) {
        if (tensor.role().perLayer()) {
            return first <= tensor.layer() && tensor.layer() < end;
        }
        return tensor.role().atEnd() ? endsModel() : beginsModel();
    }

    @Override
    public String toString() {
        return count() == 1 ? "layer " + first : "layers " + first + " to " + (end - 1);
    }
}
