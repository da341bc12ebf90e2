package dev.nibble.model;

/**
 * A run of a model's layers, as one device has them.
 *
 * @param first the first layer
 * @param end the layer after the last
 * @param total layers of the model
 */
public record LayerRange(int first, int end, int total) {
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

    /** The number of layers. */
    public int count() {
        return end - first;
    }

    /** Whether the model begins here: token ids come in, and not what another device's layers give. */
    public boolean beginsModel() {
        return first == 0;
    }

    /** Whether the model ends here: logits come out, and not what another device's layers take. */
    public boolean endsModel() {
        return end == total;
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
