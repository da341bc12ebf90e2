package dev.nibble.engine;

import dev.nibble.device.Mark;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Measures, by the clocks of the queues, what the stages of forward passes do. */
final class PassMeter implements AutoCloseable {
    /** Marks of a device that are not yet looked at: more make it wait. */
    private static final int MOST_MARKS = 4096;

    private final Map<Stage, Track> tracks = new LinkedHashMap<>();

    /** What a queue does from a mark on. */
    enum Phase {
        /** Nothing, or reading and writing by the host. */
        IDLE,
        /** Operations. */
        STEP,
        /** Taking something over from another device or handing it on, and waiting for that. */
        EXCHANGE
    }

    /** How devices give each other rows. */
    enum Transfer {
        /** One has them from another. */
        COPY,
        /** Each has those of all others. */
        REDUCE
    }

    private record Entry(Phase phase, Mark mark) {}

    /** What is known of one device. */
    private static final class Track {
        private final List<Entry> entries = new ArrayList<>();
        private final Map<Phase, Double> seconds = new EnumMap<>(Phase.class);
        private final Map<Transfer, Map<Integer, Integer>> transfers = new EnumMap<>(Transfer.class);
        private long bytes;
    }

    /** Has the queues of stages keep time; nothing runs on them. */
    PassMeter(List<Stage> stages) {
        for (Stage stage : stages) {
            tracks.put(stage, new Track());
            stage.queue().keepTime(true);
        }
    }

    private Track track(Stage stage) {
        return tracks.computeIfAbsent(stage, unknown -> new Track());
    }

    /** What is enqueued to a stage from now on is of this phase. */
    void enter(Stage stage, Phase phase) {
        Track track = track(stage);
        if (!track.entries.isEmpty() && track.entries.getLast().phase() == phase) {
            return;
        }
        track.entries.add(new Entry(phase, stage.queue().mark()));
        if (track.entries.size() >= MOST_MARKS) {
            fold(track);
        }
    }

    /** A stage takes over so many rows from another, which are of so many bytes. */
    void received(Stage stage, Transfer how, int rows, long bytes) {
        Track track = track(stage);
        track.bytes += bytes;
        track.transfers.computeIfAbsent(how, key -> new TreeMap<>()).merge(rows, 1, Integer::sum);
    }

    /** Adds up what the marks say, all but the last of which are not needed then. */
    private static void fold(Track track) {
        for (int i = 1; i < track.entries.size(); i++) {
            Entry begin = track.entries.get(i - 1);
            double seconds = track.entries.get(i).mark().secondsSince(begin.mark());
            track.seconds.merge(begin.phase(), seconds, Double::sum);
        }
        for (Entry entry : track.entries.subList(0, Math.max(0, track.entries.size() - 1))) {
            entry.mark().close();
        }
        track.entries.subList(0, Math.max(0, track.entries.size() - 1)).clear();
    }

    /** How long one transfer takes by itself. */
    @FunctionalInterface
    interface Alone {
        double seconds(Stage receiver, Transfer how, int rows);
    }

    /** What all stages did; nothing runs on them any more. */
    List<DeviceActivity> activities(Alone alone) {
        tracks.values().forEach(PassMeter::fold);
        List<DeviceActivity> activities = new ArrayList<>();
        tracks.forEach((stage, track) -> activities.add(new DeviceActivity(
                stage.device(),
                track.seconds.getOrDefault(Phase.STEP, 0.0),
                track.seconds.getOrDefault(Phase.EXCHANGE, 0.0),
                track.bytes,
                seconds(stage, track, Transfer.COPY, alone),
                seconds(stage, track, Transfer.REDUCE, alone))));
        return activities;
    }

    private static double seconds(Stage stage, Track track, Transfer how, Alone alone) {
        double seconds = 0;
        for (Map.Entry<Integer, Integer> entry :
                track.transfers.getOrDefault(how, Map.of()).entrySet()) {
            seconds += entry.getValue() * alone.seconds(stage, how, entry.getKey());
        }
        return seconds;
    }

    @Override
    public void close() {
        tracks.forEach((stage, track) -> {
            track.entries.forEach(entry -> entry.mark().close());
            track.entries.clear();
            stage.queue().keepTime(false);
        });
    }
}
