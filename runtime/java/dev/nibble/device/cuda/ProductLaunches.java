package dev.nibble.device.cuda;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.RowCount;
import dev.nibble.device.kernel.LaunchPlanner;
import dev.nibble.device.kernel.PlaceLists;
import dev.nibble.device.kernel.StepWorkspace;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The launches of operations with weights: {@code matmul.cu}, {@code mma.cu} and {@code places.cu}. */
final class ProductLaunches implements LaunchPlanner.Products {
    /** Weights that a kernel takes. */
    private static final int GROUP = 4;

    /** Up to so many places of experts, each reads its expert's weights by itself. */
    static final int FEW_PLACES = 16;

    private static final int WARP = 32;

    /** Columns of a thread of {@code embed.cuh}. */
    private static final int EMBEDDED = 32;

    private final CudaPlan plan;
    private final Choice choice;

    /** Which kernels are faster. */
    interface Choice {
        /**
         * Whether those on tensor cores are.
         *
         * @param rows of activations
         * @param tiles of all weights that are multiplied together
         */
        boolean tensorCores(int rows, WeightLayout layout, int tiles, int columns);
    }

    ProductLaunches(CudaPlan plan, Choice choice) {
        this.plan = plan;
        this.choice = choice;
    }

    @Override
    public void embed(Operation.Embed embed) {
        CudaWeight table = (CudaWeight) embed.table();
        int columns = table.shape().columns();
        plan.kernel(table.layout().named("matmul"), table.layout().named("embed"))
                .buffer(embed.rows().live())
                .buffer(embed.ids())
                .memory(table.memory())
                .integer(0)
                .integer(table.shape().rows())
                .integer(columns)
                .buffer(embed.out())
                .groups(Math.ceilDiv(columns, EMBEDDED * WARP), embed.rows().limit(), WARP);
    }

    @Override
    public void matmul(Operation.Matmul matmul) {
        int limit = matmul.rows().limit();
        for (List<Product> group : groups(matmul.products())) {
            if (usesTensors(group, limit)) {
                multiplyByTensors(matmul.rows(), group, matmul.x(), matmul.quantized(), null, limit, 1);
            } else {
                multiply(matmul, group);
            }
        }
    }

    private void multiply(Operation.Matmul matmul, List<Product> group) {
        int limit = matmul.rows().limit();
        ProductShape shape = shape(limit, group, tiles(group));
        CudaLaunchBuilder launch = kernel(group, shape)
                .buffer(matmul.rows().live())
                .memory(null)
                .memory(null)
                .integer(1)
                .integer(0);
        input(launch, group, matmul.x(), matmul.quantized()).integer(1);
        launch(launch, group, shape, Math.ceilDiv(limit, shape.rows()));
    }

    @Override
    public void expertMatmul(Operation.ExpertMatmul matmul) {
        int used = matmul.ids().width();
        int experts = matmul.products().getFirst().weight().shape().matrices();
        int places = Math.multiplyExact(matmul.rows().limit(), used);
        boolean listed = StepWorkspace.needsLists(matmul.rows().limit(), places, FEW_PLACES);
        PlaceLists lists = listed ? listPlaces(matmul, experts, places) : null;
        for (List<Product> group : groups(matmul.products())) {
            // Of few places each works by itself, of many those of an expert together: about so many.
            int together = lists == null ? 1 : Math.max(2, Math.ceilDiv(places, experts));
            int sharing = matmul.x().width() == columns(group) ? used : 1;
            if (lists != null && usesTensors(group, together)) {
                // Some experts have more than others.
                int most = together + together / 2;
                multiplyByTensors(matmul.rows(), group, matmul.x(), matmul.quantized(), lists, most, sharing);
            } else {
                multiply(matmul, group, lists, together, sharing);
            }
        }
    }

    private void multiply(
            Operation.ExpertMatmul matmul, List<Product> group, @Nullable PlaceLists lists, int together, int sharing) {
        int used = matmul.ids().width();
        int experts = group.getFirst().weight().shape().matrices();
        int places = matmul.rows().limit() * used;
        ProductShape shape = lists == null
                ? shape(1, group, (long) places * tiles(group))
                : shape(together, group, (long) experts * tiles(group)).withoutSlices();
        CudaLaunchBuilder launch = kernel(group, shape).buffer(matmul.rows().live());
        if (lists == null) {
            launch.buffer(matmul.ids()).memory(null).integer(used).integer(experts);
        } else {
            launch.memory(lists.places()).memory(lists.counts()).integer(used).integer(places);
        }
        input(launch, group, matmul.x(), matmul.quantized()).integer(sharing);
        launch(launch, group, shape, lists == null ? places : experts);
    }

    /** Whether tensor cores multiply so many rows faster. */
    private boolean usesTensors(List<Product> group, int rows) {
        WeightLayout layout = layout(group.getFirst());
        int columns = columns(group);
        return TensorShape.serves(plan.device().traits(), layout, columns)
                && choice.tensorCores(rows, layout, tiles(group), columns);
    }

    /**
     * Launches {@code mma.cu}.
     *
     * @param lists the places of experts, null where all rows have one matrix
     * @param together about so many rows have a matrix together
     */
    private void multiplyByTensors(
            RowCount rows,
            List<Product> group,
            Buffer x,
            @Nullable Buffer quantized,
            @Nullable PlaceLists lists,
            int together,
            int sharing) {
        WeightLayout layout = layout(group.getFirst());
        TensorShape shape = TensorShape.of(plan.device().traits(), layout, together);
        ProductLeftovers leftovers = plan.device().leftovers();
        CudaLaunchBuilder launch = plan.kernel(layout.named("mma"), shape.kernel(layout))
                .buffer(rows.live())
                .memory(lists == null ? null : lists.places())
                .memory(lists == null ? null : lists.counts())
                .integer(lists == null ? 0 : lists.capacity())
                .integer(group.getFirst().weight().shape().matrices())
                .integer(sharing)
                .integer(Math.ceilDiv(tiles(group), TensorShape.ROW_TILES));
        input(launch, group, x, quantized)
                .integer(columns(group))
                .memory(leftovers.sums())
                .memory(leftovers.arrived());
        parts(launch, group).sharedMemory(shape.shared()).grid(shape.blocks(), 1, 1, shape.threads(), 1);
    }

    private PlaceLists listPlaces(Operation.ExpertMatmul matmul, int experts, int places) {
        PlaceLists lists = plan.device().workspace().placeLists(experts, places);
        plan.kernel("places", "list_places")
                .buffer(matmul.rows().live())
                .buffer(matmul.ids())
                .integer(matmul.ids().width())
                .integer(experts)
                .integer(places)
                .memory(lists.counts())
                .memory(lists.places())
                .groups(experts, WARP);
        return lists;
    }

    /** Products that one launch can do together. */
    private static List<List<Product>> groups(List<Product> products) {
        List<List<Product>> groups = new ArrayList<>();
        for (Product product : products) {
            List<Product> fitting = groups.stream()
                    .filter(group -> group.size() < GROUP && layout(group.getFirst()) == layout(product))
                    .findFirst()
                    .orElseGet(() -> {
                        groups.add(new ArrayList<>());
                        return groups.getLast();
                    });
            fitting.add(product);
        }
        return groups;
    }

    private static WeightLayout layout(Product product) {
        return ((CudaWeight) product.weight()).layout();
    }

    private static int columns(List<Product> group) {
        return group.getFirst().weight().shape().columns();
    }

    private static int tiles(List<Product> group) {
        return group.stream()
                .mapToInt(product -> ((CudaWeight) product.weight()).tiles())
                .sum();
    }

    private ProductShape shape(int limit, List<Product> group, long tiles) {
        return ProductShape.of(
                layout(group.getFirst()),
                limit,
                columns(group),
                tiles,
                plan.device().traits().multiprocessors());
    }

    private CudaLaunchBuilder kernel(List<Product> group, ProductShape shape) {
        WeightLayout layout = layout(group.getFirst());
        return plan.kernel(layout.named("matmul"), shape.kernel(layout));
    }

    private static CudaLaunchBuilder input(
            CudaLaunchBuilder launch, List<Product> group, Buffer x, @Nullable Buffer quantized) {
        return layout(group.getFirst()).takesBlocks()
                ? launch.quantized(quantized)
                : launch.buffer(x).memory(null);
    }

    /** Sets the arguments of all weights, then the sizes. */
    private void launch(CudaLaunchBuilder launch, List<Product> group, ProductShape shape, int blocks) {
        ProductLeftovers leftovers = shape.slices() == 1 ? null : plan.device().leftovers();
        launch.integer(columns(group))
                .memory(leftovers == null ? null : leftovers.sums())
                .memory(leftovers == null ? null : leftovers.arrived());
        parts(launch, group)
                .grid(blocks, Math.ceilDiv(tiles(group), shape.tilesOfBlock()), shape.slices(), WARP, shape.warps());
    }

    private static CudaLaunchBuilder parts(CudaLaunchBuilder launch, List<Product> group) {
        for (Product product : group) {
            CudaWeight weight = (CudaWeight) product.weight();
            launch.memory(weight.memory())
                    .buffer(product.bias())
                    .buffer(product.out())
                    .integer(weight.tiles())
                    .integer(weight.shape().rows());
        }
        for (int i = group.size(); i < GROUP; i++) {
            launch.memory(null).memory(null).memory(null).integer(0).integer(0);
        }
        return launch;
    }
}
