package dev.nibble.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.model.Placement.Room;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which layers go where. */
class PlacementTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    4  | 1       | 4
                    4  | 1 1     | 2 2
                    4  | 3 1     | 3 1
                    4  | 0.3 0.1 | 3 1
                    32 | 24 8 32 | 12 4 16
                    61 | 1 1     | 31 30
                    10 | 1 1 1   | 3 4 3
                    2  | 1e300 1e300 | 1 1
                    """)
    void layersFollowProportions(int layers, String proportions, String counts) {
        Placement placement = Placement.byProportions(layers, numbers(proportions));
        assertEquals(
                counts,
                String.join(
                        " ",
                        placement.ranges().stream()
                                .map(range -> String.valueOf(range.count()))
                                .toList()));
    }

    @ParameterizedTest
    @CsvSource({"4, 9 1", "4, 1 9", "2, 1 1 1", "4, 3 0.01 1"})
    void proportionsThatLeaveADeviceWithoutLayersAreRefused(int layers, String proportions) {
        List<Double> numbers = numbers(proportions);
        var error = assertThrows(IllegalArgumentException.class, () -> Placement.byProportions(layers, numbers));
        assertTrue(error.getMessage().contains("none of the model's " + layers + " layers"), error.getMessage());
    }

    @Test
    void equalDevicesGetEqualShares() {
        assertEquals(List.of(16, 16), counts(room(100_000, 0, 32), room(100_000, 0, 32)));
        assertEquals(List.of(8, 24), counts(room(100_000, 0, 32), room(300_000, 0, 32)));
    }

    /** 800 bytes of other things weigh as much as eight layers. */
    @Test
    void whatElseADeviceHoldsCounts() {
        assertEquals(List.of(12, 20), counts(room(100_000, 800, 32), room(100_000, 0, 32)));
    }

    @Test
    void aModelThatJustFitsIsPlaced() {
        assertEquals(List.of(5, 1, 26), counts(room(500, 0, 32), room(199, 0, 32), room(2600, 0, 32)));
    }

    @Test
    void moreDevicesThanLayersAreRefused() {
        var error = assertThrows(
                IllegalArgumentException.class, () -> Placement.byMemory(Collections.nCopies(3, room(1000, 0, 2))));
        assertTrue(error.getMessage().contains("at most 2"), error.getMessage());
    }

    /** Against all splits of small models over three devices: none that fits lies better. */
    @Test
    void noOtherSplitFillsTheDevicesMoreEvenly() {
        Random random = new Random(3);
        for (int trial = 0; trial < 200; trial++) {
            int layers = 3 + random.nextInt(6);
            List<Room> rooms = new ArrayList<>();
            for (int device = 0; device < 3; device++) {
                rooms.add(new Room(
                        random.nextInt(2000),
                        random.nextInt(300),
                        random.longs(layers, 1, 300).boxed().toList()));
            }
            double best = Double.POSITIVE_INFINITY;
            for (int first = 1; first < layers - 1; first++) {
                for (int second = first + 1; second < layers; second++) {
                    best = Math.min(best, cost(rooms, List.of(0, first, second, layers)));
                }
            }
            List<Integer> ends = new ArrayList<>(List.of(0));
            Placement.byMemory(rooms).ranges().forEach(range -> ends.add(range.end()));
            assertEquals(best, cost(rooms, ends), 1e-9 * best);
        }
    }

    private static double cost(List<Room> rooms, List<Integer> ends) {
        double sum = 0;
        for (int i = 0; i < rooms.size(); i++) {
            Room room = rooms.get(i);
            double used = room.fixed();
            for (int layer = ends.get(i); layer < ends.get(i + 1); layer++) {
                used += room.layers().get(layer);
            }
            double free = Math.max(1, room.free());
            sum += used * used / free + 1e30 * Math.pow(Math.max(0, used - free), 2);
        }
        return sum;
    }

    @Test
    void everyTensorIsWhereItIsNeeded() {
        try (ModelSource source = SyntheticModel.of("llama-3.2-1b:q4_0")) {
            Placement placement = Placement.byProportions(16, List.of(1.0, 2.0, 1.0));
            List<Weights.Tensor> tensors = Weights.tensors(source);
            for (Weights.Tensor tensor : tensors) {
                List<Integer> holders = IntStream.range(0, 3)
                        .filter(device -> placement.ranges().get(device).need(tensor))
                        .boxed()
                        .toList();
                int wanted = switch (tensor.role()) {
                    case TOKEN_EMBEDDING -> 0;
                    case OUTPUT, OUTPUT_NORM -> 2;
                    default -> tensor.layer() < 4 ? 0 : tensor.layer() < 12 ? 1 : 2;
                };
                assertEquals(List.of(wanted), holders, tensor.role() + " " + tensor.layer());
            }
            assertEquals(
                    2,
                    tensors.stream()
                            .filter(tensor -> tensor.source().shape().name().equals("token_embd.weight"))
                            .count());
        }
    }

    @Test
    void layersAreCheckedAndNamed() {
        assertEquals("layer 3", new LayerRange(3, 4, 4).toString());
        assertEquals("layers 0 to 2", new LayerRange(0, 3, 4).toString());
        assertThrows(IllegalArgumentException.class, () -> new LayerRange(2, 2, 4));
        assertThrows(IllegalArgumentException.class, () -> new LayerRange(2, 5, 4));
        LayerRange begin = new LayerRange(0, 2, 4);
        LayerRange end = new LayerRange(3, 4, 4);
        assertThrows(IllegalArgumentException.class, () -> new Placement(List.of(begin, end)));
        assertThrows(IllegalArgumentException.class, () -> new Placement(List.of(begin)));
        assertThrows(IllegalArgumentException.class, () -> new Placement(List.of()));
    }

    private static List<Integer> counts(Room... rooms) {
        return Placement.byMemory(List.of(rooms)).ranges().stream()
                .map(LayerRange::count)
                .toList();
    }

    private static Room room(long free, long fixed, int layers) {
        return new Room(free, fixed, Collections.nCopies(layers, 100L));
    }

    private static List<Double> numbers(String text) {
        return Stream.of(text.strip().split(" ")).map(Double::valueOf).toList();
    }
}
