package dev.nibble.engine;

import dev.nibble.OutOfCapacityException;
import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.Operation;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A device that computes nothing, counts what it gave out, says what its queue was asked for, and fails when it is told to. */
final class FakeDevice implements Device {
    /** What queues were asked for, in order, by all devices that share it. */
    static final class Journal {
        private final List<String> lines = new ArrayList<>();

        synchronized void add(String line) {
            lines.add(line);
        }

        synchronized List<String> take() {
            List<String> taken = List.copyOf(lines);
            lines.clear();
            return taken;
        }
    }

    private final String name;
    private final Journal journal;
    private final Set<Piece> open = ConcurrentHashMap.newKeySet();
    private final Queue queue = new FakeQueue();
    private long freeMemory = 1L << 40;
    private boolean oneLayout;
    private int allocations;
    private int failingAllocation = -1;
    private int failingClose = -1;
    private String failingCall = "none";

    FakeDevice(String name, Journal journal) {
        this.name = name;
        this.journal = journal;
    }

    /** A step and what it does. */
    private record FakeStep(List<Operation> operations) implements Step {}

    FakeDevice withOneLayout() {
        oneLayout = true;
        return this;
    }

    @Override
    public boolean hasOneLayout() {
        return oneLayout;
    }

    FakeDevice withFreeMemory(long bytes) {
        freeMemory = bytes;
        return this;
    }

    /** Lets the allocation of this number fail, counted from 0. */
    FakeDevice failingAtAllocation(int number) {
        failingAllocation = number;
        return this;
    }

    /** Lets the piece of this number fail when it is closed, after it was closed. */
    FakeDevice failingAtClose(int number) {
        failingClose = number;
        return this;
    }

    /** Lets a call of the queue fail from now on: submit, read, receive. */
    void fail(String call) {
        failingCall = call;
    }

    /** What was allocated and not closed. */
    int open() {
        return open.size();
    }

    /** How often memory was asked for. */
    int allocations() {
        return allocations;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return "no device";
    }

    @Override
    public int threads() {
        return 0;
    }

    @Override
    public long freeMemory() {
        return freeMemory;
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        return shape.bytes();
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        return keep(new FakeWeight(this, allocations++, source.shape(), use));
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        return keep(new FakeBuffer(this, allocations++, type, rows, width));
    }

    @Override
    public KvPages allocateKv(KvLayout layout, int pages) {
        return keep(new FakePages(this, allocations++, layout, pages));
    }

    @Override
    public Step prepare(List<Operation> operations) {
        for (Operation operation : operations) {
            for (AutoCloseable part : operation.parts()) {
                if (!(part instanceof Piece piece) || piece.device() != this) {
                    throw new IllegalArgumentException(part + " is not of device " + name);
                }
            }
        }
        return new FakeStep(operations);
    }

    @Override
    public Queue queue() {
        return queue;
    }

    @Override
    public void close() {
        open.clear();
    }

    private <T extends Piece> T keep(T piece) {
        if (piece.number() == failingAllocation) {
            throw new OutOfCapacityException(name + " has no room for piece " + piece.number());
        }
        open.add(piece);
        return piece;
    }

    private void released(Piece piece) {
        if (open.remove(piece) && piece.number() == failingClose) {
            throw new IllegalStateException(name + " cannot free piece " + piece.number());
        }
    }

    private void called(String call) {
        if (failingCall.equals(call)) {
            throw new IllegalStateException(name + " is lost");
        }
    }

    /** Memory of the device. */
    private interface Piece extends AutoCloseable {
        FakeDevice device();

        int number();

        @Override
        default void close() {
            device().released(this);
        }
    }

    private record FakeWeight(FakeDevice device, int number, WeightShape shape, WeightUse use)
            implements Weight, Piece {
        @Override
        public boolean serves(WeightUse other) {
            return device.oneLayout || use == other;
        }

        @Override
        public long bytes() {
            return shape.bytes();
        }

        @Override
        public void close() {
            Piece.super.close();
        }
    }

    private record FakeBuffer(FakeDevice device, int number, ElementType type, int rows, int width)
            implements Buffer, Piece {
        @Override
        public long bytes() {
            return 4L * rows * width;
        }

        @Override
        public void close() {
            Piece.super.close();
        }
    }

    private record FakePages(FakeDevice device, int number, KvLayout layout, int pages) implements KvPages, Piece {
        @Override
        public long bytes() {
            return pages * layout.pageBytes();
        }

        @Override
        public void close() {
            Piece.super.close();
        }
    }

    private final class FakeQueue implements Queue {
        @Override
        public void write(Buffer target, long element, MemorySegment source) {
            called("write");
        }

        @Override
        public void submit(Step step) {
            called("submit");
            List<Operation> operations = ((FakeStep) step).operations();
            long layers = operations.stream()
                    .filter(operation -> operation instanceof AttentionOperation.Attention)
                    .count();
            journal.add(name + " runs " + layers + " layers");
        }

        @Override
        public void read(Buffer source, long element, MemorySegment target) {
            called("read");
            target.fill((byte) 0);
            journal.add(name + " is read");
        }

        @Override
        public void receive(Buffer target, Queue other, Buffer source, int rows) {
            Queue.checkReceive(target, source, rows);
            called("receive");
            journal.add(name + " receives " + rows + " rows");
        }
    }
}
