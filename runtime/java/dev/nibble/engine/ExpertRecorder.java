package dev.nibble.engine;

import static dev.nibble.model.TensorRole.*;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Writes down the feed-forward part of a layer that has experts. */
final class ExpertRecorder {
    private final StepRecorder step;
    private final ExpertConfig experts;
    private final Weights weights;
    private final StepBuffers b;
    private final ExpertBuffers e;

    /** @param step where it is written to */
    ExpertRecorder(StepRecorder step, ModelConfig config, Weights weights, StepBuffers buffers, ExpertBuffers experts) {
        this.step = step;
        this.experts = Objects.requireNonNull(config.experts());
        this.weights = weights;
        this.b = buffers;
        this.e = experts;
    }

    /** @param elsewhere whether the routed experts of the layer are on another device */
    void record(int layer, boolean elsewhere) {
        if (elsewhere) {
            expertsElsewhere(layer);
        } else {
            expertsHere(layer);
        }
    }

    private void expertsHere(int layer) {
        List<Product> inner =
                List.of(step.product(EXPERT_GATE, layer, null, e.gate), step.product(EXPERT_UP, layer, null, e.up));
        List<Product> whole = new ArrayList<>();
        whole.add(step.product(ROUTER, layer, null, e.routerLogits));
        whole.addAll(sharedProducts(layer));
        Buffer quantized = step.quantize(
                b.hidden, b.hiddenQuantized, StepRecorder.needsQuantized(inner) || StepRecorder.needsQuantized(whole));
        step.add(new Operation.Matmul(step.rows(), b.hidden, quantized, whole));
        route(layer);
        step.add(new Operation.ExpertMatmul(step.rows(), e.ids, b.hidden, quantized, inner));
        step.gate(e.gate, e.up);
        List<Product> down = List.of(step.product(EXPERT_DOWN, layer, null, e.delta));
        quantized = step.quantize(e.gate, e.gateQuantized, StepRecorder.needsQuantized(down));
        step.add(new Operation.ExpertMatmul(step.rows(), e.ids, e.gate, quantized, down));
        Buffer shared = null;
        if (experts.shared() > 0) {
            sharedDown(layer);
            shared = e.sharedDelta;
        }
        Buffer share = experts.sharedGate() ? e.sharedLogit : null;
        step.add(new Operation.Combine(step.rows(), e.delta, e.weights, shared, share, step.delta()));
    }

    /** Routed experts are on another device: shared ones work at the same time. */
    private void expertsElsewhere(int layer) {
        step.matmul(b.hidden, b.hiddenQuantized, List.of(step.product(ROUTER, layer, null, e.routerLogits)));
        route(layer);
        step.endSegment();
        if (experts.shared() > 0) {
            step.matmul(b.hidden, b.hiddenQuantized, sharedProducts(layer));
            sharedDown(layer);
        }
        step.endSegment();
        if (experts.shared() > 0) {
            Buffer share = experts.sharedGate() ? e.sharedLogit : null;
            step.add(new Operation.Combine(step.rows(), e.routed, e.ones, e.sharedDelta, share, b.delta));
        }
    }

    /** What the shared experts and their gate make of the layer's input; nothing if there are none. */
    private List<Product> sharedProducts(int layer) {
        List<Product> products = new ArrayList<>();
        if (experts.sharedGate()) {
            products.add(step.product(SHARED_ROUTER, layer, null, e.sharedLogit));
        }
        if (experts.shared() > 0) {
            products.add(step.product(SHARED_GATE, layer, null, e.sharedGate));
            products.add(step.product(SHARED_UP, layer, null, e.sharedUp));
        }
        return products;
    }

    private void route(int layer) {
        step.add(new Operation.Route(
                step.rows(),
                experts.gating(),
                e.routerLogits,
                weights.vectorOrNull(SELECTION_BIAS, layer),
                e.ids,
                e.weights));
    }

    private void sharedDown(int layer) {
        step.gate(e.sharedGate, e.sharedUp);
        step.matmul(e.sharedGate, e.sharedQuantized, List.of(step.product(SHARED_DOWN, layer, null, e.sharedDelta)));
    }
}
