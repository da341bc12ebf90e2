package dev.nibble.device.opencl;

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

/** The launches of operations with weights: {@code matmul.cl} and {@code embed.cl}. */
final class ProductLaunches implements LaunchPlanner.Products {
    private static final String FAMILY = "matmul";

    /** Parts of weights that a kernel takes. */
    private static final int GROUP = 4;

    /** Up to so many places of experts, each reads its expert's weights by itself. */
    static final int FEW_PLACES = 16;

    /** Work-items of kernels that have no better size. */
    private static final int ITEMS = 32;

    private final OpenClPlan plan;
    private final ProductShape shape;

    /** A part of the weights of a product. */
    private record Piece(Product product, OpenClWeight weight, OpenClWeight.Part part) {
        WeightLayout layout() {
            return weight.layout();
        }

        /** Whether one launch can do both. */
        boolean fits(Piece other) {
            return layout() == other.layout()
                    && part.matrix() == other.part.matrix()
                    && part.matrices() == other.part.matrices();
        }
    }

    ProductLaunches(OpenClPlan plan) {
        this.plan = plan;
        this.shape = ProductShape.of(plan.device().traits());
    }

    @Override
    public void embed(Operation.Embed embed) {
        OpenClWeight table = (OpenClWeight) embed.table();
        int columns = table.shape().columns();
        for (OpenClWeight.Part part : table.parts()) {
            plan.kernel("embed", table.layout().options(), "embed")
                    .buffer(embed.rows().live())
                    .buffer(embed.ids())
                    .memory(part.memory())
                    .integer(part.firstRow())
                    .integer(part.endRow())
                    .integer(columns)
                    .buffer(embed.out())
                    .groups(
                            Math.ceilDiv(columns, PanelLines.BLOCK * ITEMS),
                            embed.rows().limit(),
                            ITEMS);
        }
    }

    @Override
    public void matmul(Operation.Matmul matmul) {
        RowCount rows = matmul.rows();
        ProductShape.Variant variant = shape.variant(rows.limit());
        for (List<Piece> group : groups(matmul.products())) {
            WeightLayout layout = group.getFirst().layout();
            OpenClLaunchBuilder launch =
                    plan.kernel(FAMILY, variant.options(layout), "matmul").buffer(rows.live());
            input(launch, layout, matmul.x(), matmul.quantized())
                    .integer(group.getFirst().weight().shape().columns());
            int tiles = pieces(launch, group);
            launch.planes(Math.ceilDiv(rows.limit(), variant.tokens()), tiles, shape.items(), variant.splits());
        }
    }

    @Override
    public void expertMatmul(Operation.ExpertMatmul matmul) {
        int used = matmul.ids().width();
        int places = Math.multiplyExact(matmul.rows().limit(), used);
        if (!StepWorkspace.needsLists(matmul.rows().limit(), places, FEW_PLACES)) {
            experts(matmul, shape.variant(1), places, null);
            return;
        }
        PlaceLists lists = plan.device()
                .workspace()
                .placeLists(matmul.products().getFirst().weight().shape().matrices(), places);
        plan.kernel(FAMILY, options(matmul, shape.variant(places)), "list_places")
                .buffer(matmul.rows().live())
                .buffer(matmul.ids())
                .integer(used)
                .integer(lists.experts())
                .integer(places)
                .memory(lists.counts())
                .memory(lists.places())
                .groups(Math.ceilDiv(lists.experts(), ITEMS), ITEMS);
        experts(matmul, shape.variant(places), places, lists);
    }

    private static String options(Operation.ExpertMatmul matmul, ProductShape.Variant variant) {
        OpenClWeight first = (OpenClWeight) matmul.products().getFirst().weight();
        return variant.options(first.layout());
    }

    private void experts(
            Operation.ExpertMatmul matmul, ProductShape.Variant variant, int places, @Nullable PlaceLists lists) {
        int used = matmul.ids().width();
        for (List<Piece> group : groups(matmul.products())) {
            Piece first = group.getFirst();
            int columns = first.weight().shape().columns();
            OpenClLaunchBuilder launch = plan.kernel(FAMILY, variant.options(first.layout()), "expert_matmul")
                    .buffer(matmul.rows().live());
            if (lists == null) {
                launch.buffer(matmul.ids()).memory(null);
            } else {
                launch.memory(lists.places()).memory(lists.counts());
            }
            launch.integer(used).integer(places);
            input(launch, first.layout(), matmul.x(), matmul.quantized())
                    .integer(matmul.x().width() == columns ? used : 1)
                    .integer(columns)
                    .integer(first.part().matrix())
                    .integer(first.part().matrix() + first.part().matrices());
            int tiles = pieces(launch, group);
            int groups = lists == null ? places : first.part().matrices();
            launch.planes(groups, tiles, shape.items(), variant.splits());
        }
    }

    /** Pieces that one launch can do together. */
    private static List<List<Piece>> groups(List<Product> products) {
        List<List<Piece>> groups = new ArrayList<>();
        for (Product product : products) {
            OpenClWeight weight = (OpenClWeight) product.weight();
            for (OpenClWeight.Part part : weight.parts()) {
                Piece piece = new Piece(product, weight, part);
                List<Piece> fitting = groups.stream()
                        .filter(group ->
                                group.size() < GROUP && group.getFirst().fits(piece))
                        .findFirst()
                        .orElseGet(() -> {
                            groups.add(new ArrayList<>());
                            return groups.getLast();
                        });
                fitting.add(piece);
            }
        }
        return groups;
    }

    private static OpenClLaunchBuilder input(
            OpenClLaunchBuilder launch, WeightLayout layout, Buffer x, @Nullable Buffer quantized) {
        return layout.takesBlocks()
                ? launch.quantized(quantized)
                : launch.buffer(x).memory(null);
    }

    /** Sets the arguments of all pieces; returns the number of their tiles, of one matrix each. */
    private static int pieces(OpenClLaunchBuilder launch, List<Piece> group) {
        int tiles = 0;
        for (Piece piece : group) {
            OpenClWeight.Part part = piece.part();
            launch.memory(part.memory())
                    .buffer(piece.product().bias())
                    .buffer(piece.product().out())
                    .integers(
                            part.tiles(),
                            part.firstRow(),
                            part.endRow(),
                            piece.weight().shape().rows());
            tiles += part.tiles();
        }
        for (int i = group.size(); i < GROUP; i++) {
            launch.memory(null).memory(null).memory(null).integers(0, 0, 0, 0);
        }
        return tiles;
    }
}
