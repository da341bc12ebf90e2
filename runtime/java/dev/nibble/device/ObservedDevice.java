package dev.nibble.device;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Another device whose matrix products can be watched: a step is cut after each of them, and their inputs are read back. The
 * arithmetic stays that of the other device, but nothing is fused across a cut.
 */
public final class ObservedDevice extends DelegatingDevice {
    private final ProductObserver observer;
    private final Queue queue = new ObservedQueue();

    /**
     * Watches a device, which is closed with this one.
     *
     * @param observer hears the inputs of all products, as the steps run
     */
    public ObservedDevice(Device device, ProductObserver observer) {
        super(device);
        this.observer = observer;
    }

    /** Parts of a step, in order. */
    private record ObservedStep(List<Part> parts) implements Step {
        @Override
        public void close() {
            parts.forEach(part -> part.step().close());
        }
    }

    /**
     * A part of a step.
     *
     * @param product the last operation, if that is a product; its input is still there when the part has run
     */
    private record Part(Step step, @Nullable Operation product) {}

    @Override
    public Step prepare(List<Operation> operations) {
        List<Part> parts = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            boolean product = operation instanceof Operation.Matmul || operation instanceof Operation.ExpertMatmul;
            if (product || i == operations.size() - 1) {
                Step step = super.prepare(operations.subList(from, i + 1));
                parts.add(new Part(step, product ? operation : null));
                from = i + 1;
            }
        }
        return new ObservedStep(parts);
    }

    @Override
    public Queue queue() {
        return queue;
    }

    private void observe(Operation operation) {
        int rows = integers(operation.rows().live(), 1)[0];
        if (rows == 0) {
            return;
        }
        switch (operation) {
            case Operation.Matmul o -> observer.observe(input(o.products(), new int[rows], 1, floats(o.x(), rows)));
            case Operation.ExpertMatmul o -> {
                int used = o.ids().width();
                int[] ids = integers(o.ids(), rows);
                boolean shared = o.x().width()
                        == o.products().getFirst().weight().shape().columns();
                observer.observe(input(o.products(), ids, shared ? used : 1, floats(o.x(), rows)));
            }
            default -> throw new IllegalStateException("no product: " + operation);
        }
    }

    private static ProductInput input(List<Operation.Product> products, int[] matrices, int perRow, float[] values) {
        List<WeightShape> weights =
                products.stream().map(product -> product.weight().shape()).toList();
        return new ProductInput(weights, weights.getFirst().columns(), matrices, perRow, values);
    }

    private float[] floats(Buffer buffer, int rows) {
        float[] values = new float[rows * buffer.width()];
        device().queue().read(buffer, 0, MemorySegment.ofArray(values));
        return values;
    }

    private int[] integers(Buffer buffer, int rows) {
        int[] values = new int[rows * buffer.width()];
        device().queue().read(buffer, 0, MemorySegment.ofArray(values));
        return values;
    }

    private final class ObservedQueue implements Queue {
        @Override
        public void write(Buffer target, long element, MemorySegment source) {
            device().queue().write(target, element, source);
        }

        @Override
        public void submit(Step step) {
            if (!(step instanceof ObservedStep observed)) {
                throw new IllegalArgumentException("the step was prepared by another device");
            }
            for (Part part : observed.parts()) {
                device().queue().submit(part.step());
                if (part.product() != null) {
                    observe(part.product());
                }
            }
        }

        @Override
        public void read(Buffer source, long element, MemorySegment target) {
            device().queue().read(source, element, target);
        }
    }
}
