package dev.nibble.device.reference;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.RecursiveAction;

/** The threads among which the output rows of a product are split. */
final class Workers implements AutoCloseable {
    /** Rows of a part: large against the cost of handing it out, small against the rows of a weight. */
    private static final int PART = 32;

    private final int threads;
    private final ForkJoinPool pool;

    Workers(int threads) {
        this.threads = threads;
        pool = new ForkJoinPool(threads);
    }

    int threads() {
        return threads;
    }

    /** Works on rows {@code from} … {@code to} − 1. */
    interface Part {
        void run(int from, int to);
    }

    /** Splits {@code rows} rows among the threads and waits for all of them. */
    void split(int rows, Part part) {
        if (threads == 1) {
            part.run(0, rows);
        } else {
            pool.invoke(new Range(0, rows, part));
        }
    }

    /** Ends the threads. */
    @Override
    public void close() {
        pool.close();
    }

    private static final class Range extends RecursiveAction {
        private static final long serialVersionUID = 1L;

        private final int from;
        private final int to;
        private final transient Part part;

        Range(int from, int to, Part part) {
            this.from = from;
            this.to = to;
            this.part = part;
        }

        @Override
        protected void compute() {
            if (to - from <= PART) {
                part.run(from, to);
                return;
            }
            int middle = (from + to) >>> 1;
            invokeAll(new Range(from, middle, part), new Range(middle, to, part));
        }
    }
}
