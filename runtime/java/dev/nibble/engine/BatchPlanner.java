package dev.nibble.engine;

import java.util.ArrayList;
import java.util.List;

/** Decides which rows of which sequences the next step computes, and gives them slots and pages. */
final class BatchPlanner {
    private final KvCache cache;
    private final Batch batch;
    private final List<Part> parts = new ArrayList<>();
    private final int mostPages;
    private int firstPrompt;

    BatchPlanner(KvCache cache, StepLimits limits) {
        this.cache = cache;
        this.mostPages = limits.pagesPerSequence();
        this.batch = new Batch(limits.rows(), limits.outputs());
    }

    /**
     * The rows of one sequence in a batch.
     *
     * @param rows its number of rows
     * @param firstOutput the place of its first output among the outputs of the batch
     * @param outputs its number of outputs: its last rows
     */
    record Part(Sequence sequence, int rows, int firstOutput, int outputs) {}

    Batch batch() {
        return batch;
    }

    List<Part> parts() {
        return parts;
    }

    /**
     * Plans the next step.
     *
     * @param sequences all sequences, the oldest first
     * @return false if nothing can be computed now
     */
    boolean plan(List<Sequence> sequences) {
        batch.clear();
        parts.clear();
        for (Sequence sequence : List.copyOf(sequences)) {
            if (sequence.pending() == 1) {
                add(sequence, sequences);
            }
        }
        int count = sequences.size();
        firstPrompt = count == 0 ? 0 : (firstPrompt + 1) % count;
        for (int i = 0; i < count && batch.freeRows() > 0; i++) {
            Sequence sequence = sequences.get((firstPrompt + i) % count);
            if (sequence.pending() > 1) {
                add(sequence, sequences);
            }
        }
        return !batch.isEmpty();
    }

    /**
     * Whether the step after the one that was planned or ran ahead last is known, with the same rows, each one further on: everyone takes
     * the best token, nobody else waits, and there are pages, which it gets.
     *
     * @param sequences all sequences
     */
    boolean goOn(List<Sequence> sequences) {
        if (!batch.givesBest() || sequences.stream().anyMatch(BatchPlanner::waits)) {
            return false;
        }
        for (int i = 0; i < parts.size(); i++) {
            if (!goesOn(parts.get(i).sequence())) {
                return false;
            }
        }
        for (int i = 0; i < parts.size(); i++) {
            if (!hasPageAfter(parts.get(i).sequence())) {
                return false;
            }
        }
        return true;
    }

    private static boolean waits(Sequence sequence) {
        return !sequence.running() && sequence.pending() > 0 && sequence.listener.ready();
    }

    private static boolean goesOn(Sequence sequence) {
        return !sequence.ended()
                && !sequence.wentAnotherWay()
                && sequence.pending() == 1
                && sequence.listener.takesBest(sequence.computed())
                && sequence.listener.ready();
    }

    /** Whether there is a page for the token after the one that is computed. */
    private boolean hasPageAfter(Sequence sequence) {
        return sequence.pageCount() * cache.pageTokens() > sequence.computed() + 1
                || sequence.pageCount() < mostPages && sequence.grow(cache);
    }

    private void add(Sequence sequence, List<Sequence> sequences) {
        if (batch.freeRows() == 0
                || batch.freeOutputs() == 0
                || !sequence.listener.ready()
                || !enter(sequence, sequences)) {
            return;
        }
        int rows = Math.min(sequence.pending(), batch.freeRows());
        addRows(sequence, Math.min(rows, roomFor(sequence, rows, sequences)));
    }

    private void addRows(Sequence sequence, int most) {
        int firstOutput = batch.outputCount();
        int rows = 0;
        for (; rows < most; rows++) {
            int position = sequence.computed() + rows;
            if (!sequence.givesOutput(position)) {
                batch.add(sequence.token(position), position, sequence.slot());
            } else if (batch.freeOutputs() > 0) {
                batch.addOutput(sequence.token(position), position, sequence.slot());
                if (sequence.listener.ranks()) {
                    batch.rank();
                }
            } else {
                break;
            }
        }
        if (rows > 0) {
            sequence.running(true);
            sequence.ranAheadWith(Sequence.NONE);
            parts.add(new Part(sequence, rows, firstOutput, batch.outputCount() - firstOutput));
        }
    }

    private boolean enter(Sequence sequence, List<Sequence> sequences) {
        return sequence.hasSlot()
                || sequence.enter(cache)
                || preemptYoungerThan(sequence, sequences) && sequence.enter(cache);
    }

    /** Gets pages for up to {@code rows} more rows; returns for how many there is room. */
    private int roomFor(Sequence sequence, int rows, List<Sequence> sequences) {
        int pageTokens = cache.pageTokens();
        int wanted = (sequence.computed() + rows + pageTokens - 1) / pageTokens;
        while (sequence.pageCount() < wanted) {
            if (!sequence.grow(cache) && !preemptYoungerThan(sequence, sequences)) {
                break;
            }
        }
        return Math.min(rows, sequence.pageCount() * pageTokens - sequence.computed());
    }

    /** Takes slot and pages from the youngest sequence that the batch does not use; false if all of those are older. */
    private boolean preemptYoungerThan(Sequence sequence, List<Sequence> sequences) {
        for (int i = sequences.size() - 1; i >= 0 && sequences.get(i) != sequence; i--) {
            Sequence victim = sequences.get(i);
            if (victim.hasSlot() && !victim.running()) {
                victim.leave(cache);
                return true;
            }
        }
        return false;
    }
}
