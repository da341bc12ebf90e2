package dev.nibble.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which layers of a model are on which device: a run of them on each, in the order of the devices. A model whose token embedding
 * is its output matrix as well has it on the first device and on the last.
 *
 * @param ranges the layers of each device
 */
public record Placement(List<LayerRange> ranges) {
    /** What the square of bytes too much costs in comparison with bytes that lie well: more than all that lie well together. */
    private static final double OVERFLOW = 1e30;

    /** Checks that each layer is placed once. */
    public Placement {
        ranges = List.copyOf(ranges);
        int next = 0;
        for (LayerRange range : ranges) {
            if (range.first() != next) {
                throw new IllegalArgumentException("layer " + next + " has no place of its own in " + ranges);
            }
            next = range.end();
        }
        if (ranges.isEmpty() || !ranges.getLast().endsModel()) {
            throw new IllegalArgumentException("layer " + next + " has no place in " + ranges);
        }
    }

    /**
     * What a device can take.
     *
     * @param free bytes
     * @param weight its part of what all devices together are to hold, relative to the others
     * @param fixed bytes that go onto it, whatever its layers
     * @param layers bytes of each layer of the model, if it comes here
     */
    public record Room(long free, double weight, long fixed, List<Long> layers) {
        /** A device whose part is as large as its free memory. */
        public Room(long free, long fixed, List<Long> layers) {
            this(free, free, fixed, layers);
        }
    }

    /**
     * Gives each device its proportion of the layers, rounded.
     *
     * @param proportions of each device, relative to one another
     * @throws IllegalArgumentException if a device gets no layer
     */
    public static Placement byProportions(int layers, List<Double> proportions) {
        double sum = proportions.stream().mapToDouble(Double::doubleValue).sum();
        int[] ends = new int[proportions.size()];
        double before = 0;
        for (int device = 0; device < ends.length; device++) {
            before += proportions.get(device);
            ends[device] = (int) Math.round(layers * before / sum);
            if (ends[device] == (device == 0 ? 0 : ends[device - 1])) {
                throw new IllegalArgumentException(
                        "proportions of " + proportions + " leave none of the model's " + layers
                                + " layers for device " + (device + 1) + " of " + ends.length
                                + "; use others, or fewer devices");
            }
        }
        return of(ends, layers);
    }

    /**
     * Gives each device bytes in proportion to its weight, as far as whole layers and its free memory allow. Where that cannot be, as
     * little as possible is too much.
     *
     * @param rooms one for each device
     * @throws IllegalArgumentException if there are more devices than layers
     */
    public static Placement byMemory(List<Room> rooms) {
        int layers = rooms.getFirst().layers().size();
        if (rooms.size() > layers) {
            throw new IllegalArgumentException("a model of " + layers + " layers cannot be split over " + rooms.size()
                    + " devices; name at most " + layers);
        }
        // Of the first `end` layers on the devices up to this one: the least cost, and where this device's layers
        // begin.
        double[] costs = new double[layers + 1];
        Arrays.fill(costs, 1, layers + 1, Double.POSITIVE_INFINITY);
        int[][] begins = new int[rooms.size()][layers + 1];
        for (int device = 0; device < rooms.size(); device++) {
            costs = extend(costs, rooms.get(device), begins[device]);
        }
        int[] ends = new int[rooms.size()];
        int end = layers;
        for (int device = rooms.size() - 1; device >= 0; device--) {
            ends[device] = end;
            end = begins[device][end];
        }
        return of(ends, layers);
    }

    private static double[] extend(double[] costs, Room room, int[] begins) {
        double[] extended = new double[costs.length];
        Arrays.fill(extended, Double.POSITIVE_INFINITY);
        for (int begin = 0; begin < costs.length; begin++) {
            long used = room.fixed();
            for (int end = begin + 1; end < costs.length; end++) {
                used += room.layers().get(end - 1);
                double cost = costs[begin] + cost(used, room);
                if (cost < extended[end]) {
                    extended[end] = cost;
                    begins[end] = begin;
                }
            }
        }
        return extended;
    }

    /** The sum of this over devices is least where used is proportional to weight. */
    private static double cost(double used, Room room) {
        double over = Math.max(0, used - Math.max(1, room.free()));
        return used * used / Math.max(1, room.weight()) + OVERFLOW * over * over;
    }

    private static Placement of(int[] ends, int layers) {
        List<LayerRange> ranges = new ArrayList<>();
        IntStream.range(0, ends.length)
                .forEach(
                        device -> ranges.add(new LayerRange(device == 0 ? 0 : ends[device - 1], ends[device], layers)));
        return new Placement(ranges);
    }
}
