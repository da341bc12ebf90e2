package dev.nibble.device.cpu;

import java.util.List;

/**
 * Neighbouring operations on the same rows, fused: each row passes through all of them while it is in the cache, and the
 * threads meet once. Little work is done on the calling thread alone.
 */
final class RowChain implements Kernel, WorkerPool.Task {
    /** Below so many nanoseconds of work, waking others costs more than it saves. */
    private static final double PARALLEL_ABOVE = 12_000;

    private static final int PIECE = 1024;

    private final WorkerPool pool;
    private final Live live;
    private final RowWork[] works;
    private final int width;
    private final int pieces;
    private final double rowCost;

    RowChain(WorkerPool pool, Live live, List<RowWork> works) {
        this.pool = pool;
        this.live = live;
        this.works = works.toArray(RowWork[]::new);
        this.width = works.getFirst().width();
        boolean columnwise = works.stream().allMatch(work -> work.columnwise() && work.width() == width);
        this.pieces = columnwise ? Math.ceilDiv(width, PIECE) : 1;
        this.rowCost =
                works.stream().mapToDouble(work -> work.cost() * work.width()).sum();
    }

    @Override
    public void run() {
        int rows = live.count();
        if (rows * rowCost < PARALLEL_ABOVE || pool.threads() == 1) {
            for (int row = 0; row < rows; row++) {
                for (RowWork work : works) {
                    work.run(row, 0, work.width(), 0);
                }
            }
        } else {
            pool.run(this, rows * pieces);
        }
    }

    @Override
    public void run(int begin, int end, int thread) {
        for (int part = begin; part < end; part++) {
            int row = part / pieces;
            int piece = part % pieces;
            for (RowWork work : works) {
                int from = piece * PIECE;
                int to = pieces == 1 ? work.width() : Math.min(width, from + PIECE);
                work.run(row, from, to, thread);
            }
        }
    }
}
