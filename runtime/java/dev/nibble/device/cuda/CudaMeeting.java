package dev.nibble.device.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceException;
import dev.nibble.device.ElementType;
import dev.nibble.device.Exchange;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.foreign.CudaMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/**
 * Several devices that add up what each gives. Where all reach each other's memory, they read each other's buffers, and write their
 * numbers into it. Elsewhere both are in host memory, and a device copies there what is in its buffers.
 */
final class CudaMeeting {
    private static final int MOST_DEVICES = 16;
    private static final int BUFFERS = Exchange.BUFFERS;
    private static final VarHandle WORD = JAVA_INT.varHandle();

    /** Words that different devices write are this far apart. */
    private static final long LINE = 128;

    /** {@code Exchange} of {@code exchange.cu}: up to the peers, and each of them. */
    private static final int HEAD = 40;

    private static final int PEER = 40;

    /** Where the numbers of other devices are, behind it. */
    private static final int NUMBERS = 1024;

    private final List<CudaDevice> devices;
    private final List<List<KernelBuffer>> buffers;
    private final boolean reached;
    private final double seconds = Double.parseDouble(System.getProperty(CudaProperties.PEER_SECONDS, "20"));
    private final List<CudaExchange> exchanges = new ArrayList<>();
    private final List<KernelBuffer> states = new ArrayList<>();

    /** A word with which the host gives up, what each device reports; numbers and buffers, where devices do not reach each other. */
    private final MemorySegment host;

    private boolean closed;

    private CudaMeeting(List<CudaDevice> devices, List<List<KernelBuffer>> buffers, boolean reached) {
        this.devices = devices;
        this.buffers = buffers;
        this.reached = reached;
        long numbers = reached ? 0 : LINE * devices.size() * devices.size();
        this.host = devices.getFirst()
                .supply(() -> calls(0).allocateHost(
                                hostBuffers(devices.size())
                                        + numbers
                                        + (reached ? 0 : devices.size() * publishedBytes()),
                                CudaMemory.PORTABLE | CudaMemory.MAPPED));
        host.fill((byte) 0);
    }

    /** As of {@link Device#openExchanges}. */
    static List<Exchange> open(List<? extends Device> devices, List<List<Buffer>> buffers) {
        List<CudaDevice> own = new ArrayList<>();
        for (Device device : devices) {
            if (device instanceof CudaDevice cuda) {
                own.add(cuda);
            }
        }
        long contexts = own.stream().mapToLong(CudaDevice::context).distinct().count();
        if (contexts != devices.size() || contexts < 2 || contexts > MOST_DEVICES) {
            return List.of();
        }
        CudaMeeting meeting = new CudaMeeting(own, checked(own, buffers), reachEachOther(own));
        try {
            meeting.assemble();
        } catch (RuntimeException | Error e) {
            meeting.close();
            throw e;
        }
        return List.copyOf(meeting.exchanges);
    }

    private static boolean reachEachOther(List<CudaDevice> devices) {
        return devices.stream()
                .allMatch(device -> devices.stream().allMatch(peer -> peer == device || device.readsMemoryOf(peer)));
    }

    private static List<List<KernelBuffer>> checked(List<CudaDevice> devices, List<List<Buffer>> buffers) {
        List<List<KernelBuffer>> checked = new ArrayList<>();
        HashSet<Integer> shapes = new HashSet<>();
        for (int i = 0; i < devices.size(); i++) {
            List<KernelBuffer> own = new ArrayList<>();
            for (Buffer buffer : buffers.get(i)) {
                long bytes = (long) buffer.rows() * buffer.width() * Float.BYTES;
                KernelBuffer.words(buffer, 0, bytes, devices.get(i).memory());
                own.add((KernelBuffer) buffer);
                shapes.add(buffer.rows());
                shapes.add(-buffer.width());
            }
            if (own.size() != BUFFERS) {
                throw new IllegalArgumentException(
                        "an exchange takes " + BUFFERS + " buffers of each device, not " + own.size());
            }
            checked.add(own);
        }
        if (shapes.size() != 2) {
            throw new IllegalArgumentException("the buffers of an exchange are not of one shape");
        }
        return checked;
    }

    private CudaMemory calls(int device) {
        return devices.get(device).calls().memory();
    }

    private static long hostBuffers(int devices) {
        return LINE * (1 + devices);
    }

    /** Host memory for what one device gives. */
    private long publishedBytes() {
        return BUFFERS * buffers.getFirst().getFirst().bytes();
    }

    private void assemble() {
        for (CudaDevice device : devices) {
            int words = (int) (NUMBERS + LINE * devices.size()) / Integer.BYTES;
            states.add(KernelBuffer.allocate(ElementType.I32, 1, words, device.memory()));
        }
        for (int i = 0; i < devices.size(); i++) {
            devices.get(i).queue().write(states.get(i), 0, state(i));
        }
        for (int i = 0; i < devices.size(); i++) {
            devices.get(i).queue().await();
            CudaExchange exchange = new CudaExchange(this, i, states.get(i));
            exchanges.add(exchange);
            devices.get(i).exchanges().add(exchange);
        }
    }

    /** What the kernels of a device know. */
    private MemorySegment state(int self) {
        MemorySegment state =
                MemorySegment.ofArray(new long[(int) states.get(self).bytes() / Long.BYTES]);
        state.set(JAVA_INT, 0, devices.size());
        state.set(JAVA_INT, 4, self);
        state.set(JAVA_LONG, 16, host.address() + LINE * (1 + self));
        state.set(JAVA_LONG, 24, host.address());
        state.set(JAVA_LONG, 32, Math.round(seconds * 1e9));
        for (int peer = 0; peer < devices.size(); peer++) {
            long at = HEAD + (long) PEER * peer;
            for (int buffer = 0; buffer < BUFFERS; buffer++) {
                long published = peer == self ? 0 : published(peer, buffer);
                long address =
                        published == 0 ? buffers.get(peer).get(buffer).values().handle() : published;
                state.set(JAVA_LONG, at + (long) Long.BYTES * buffer, address);
            }
            state.set(JAVA_LONG, at + 24, number(peer, self));
            state.set(JAVA_LONG, at + 32, number(self, peer));
        }
        return state;
    }

    /** Where one device writes its number for another. */
    private long number(int receiver, int sender) {
        return reached
                ? states.get(receiver).values().handle() + NUMBERS + LINE * sender
                : host.address() + hostBuffers(devices.size()) + LINE * ((long) receiver * devices.size() + sender);
    }

    List<KernelBuffer> buffers(int device) {
        return buffers.get(device);
    }

    /** Where others read what is in a buffer of a device; 0: there. */
    long published(int device, int buffer) {
        if (reached) {
            return 0;
        }
        long first = hostBuffers(devices.size()) + LINE * devices.size() * devices.size();
        return host.address()
                + first
                + device * publishedBytes()
                + buffer * buffers.getFirst().getFirst().bytes();
    }

    /** Throws if a device waited for another one in vain, which may be the one that asks. */
    void check() {
        if ((int) WORD.getVolatile(host, 0L) != 0) {
            return; // The host has given up itself.
        }
        for (int i = 0; i < devices.size(); i++) {
            int missing = (int) WORD.getVolatile(host, LINE * (1 + i)) - 1;
            if (missing >= 0) {
                throw new DeviceException("device " + devices.get(i).name() + " waited " + seconds
                        + " s for a part of what device " + devices.get(missing).name() + " computes, "
                        + stateOf(devices.get(missing)) + "; close the model and open it anew, or use --split layer");
            }
        }
    }

    private static String stateOf(CudaDevice device) {
        try {
            return device.isIdle() ? "which has not begun with it" : "which still works, or hangs";
        } catch (DeviceException e) {
            return "which is lost: " + e.getMessage();
        }
    }

    /** Lets devices that wait go on, and frees all of it when they have. */
    synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        WORD.setVolatile(host, 0L, 1);
        devices.forEach(device -> device.access().locked(device::settle));
        exchanges.forEach(
                exchange -> devices.forEach(device -> device.exchanges().remove(exchange)));
        states.forEach(KernelBuffer::close);
        CudaDevice first = devices.getFirst();
        first.access().locked(() -> first.access().release(() -> calls(0).freeHost(host)));
    }
}
