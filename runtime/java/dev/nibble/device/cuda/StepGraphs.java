package dev.nibble.device.cuda;

import dev.nibble.device.DeviceException;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaGraphs;
import dev.nibble.foreign.CudaStreams;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The graphs that steps of a device are replayed from: one call of the driver enqueues all kernels of a step. They are captured on a
 * stream of their own, which waits for no other one and is waited for by none: so an application goes on with its streams meanwhile, and
 * steps can be replayed on any stream, the default one too. Used by the thread that holds the device's lock.
 */
final class StepGraphs {
    private static final System.Logger LOG = System.getLogger(StepGraphs.class.getName());

    /** Fewer kernels are as soon launched one by one. */
    private static final int LEAST = 2;

    private final CudaDevice device;
    private final Cuda calls;
    private final Set<Long> executions = new HashSet<>();
    private boolean wanted = !"off".equals(System.getProperty(CudaProperties.GRAPHS));

    /** Where launches are captured, 0 as long as nothing was. */
    private long stream;

    StepGraphs(CudaDevice device, Cuda calls) {
        this.device = device;
        this.calls = calls;
    }

    /** An execution that does the same as launches one after another; 0 where they are to be launched one by one. */
    long capture(List<KernelLaunch> launches) {
        if (!wanted || launches.size() < LEAST) {
            return 0;
        }
        try {
            if (stream == 0) {
                stream = calls.streams().create(CudaStreams.NON_BLOCKING);
            }
            long execution = instantiate(captured(launches));
            executions.add(execution);
            return execution;
        } catch (CudaException e) {
            if (e.isContextLost()) {
                throw e;
            }
            wanted = false;
            LOG.log(
                    System.Logger.Level.WARNING,
                    "device {0}: its driver makes no graph of a step of {1} kernels, so all steps are launched kernel by"
                            + " kernel from now on, which costs time of the processor: {2}",
                    device.name(),
                    launches.size(),
                    e.getMessage());
            return 0;
        }
    }

    private long captured(List<KernelLaunch> launches) {
        calls.graphs().beginCapture(stream, CudaGraphs.CAPTURE_RELAXED);
        try {
            launches.forEach(launch -> calls.modules().launch(launch.call(), stream));
        } catch (CudaException e) {
            device.access().release(() -> calls.graphs().destroy(calls.graphs().endCapture(stream)));
            throw e;
        }
        return calls.graphs().endCapture(stream);
    }

    private long instantiate(long graph) {
        try {
            return calls.graphs().instantiate(graph);
        } finally {
            device.access().release(() -> calls.graphs().destroy(graph));
        }
    }

    /** Enqueues an execution of some launches. */
    void launch(long execution, List<KernelLaunch> launches, long target) {
        try {
            calls.graphs().launch(execution, target);
        } catch (CudaException e) {
            throw new DeviceException("device " + device.name() + ", a graph of " + launches.size() + " kernels, from "
                    + launches.getFirst().describe() + " to "
                    + launches.getLast().describe() + ": " + e.getMessage()
                    + "; " + device.access().remedy(e));
        }
    }

    /** Destroys an execution, if it is still there: what was enqueued is still done. */
    void destroy(long execution) {
        if (executions.remove(execution)) {
            device.access().release(() -> calls.graphs().destroyExecution(execution));
        }
    }

    /** Destroys all executions. */
    void close() {
        List.copyOf(executions).forEach(this::destroy);
        if (stream != 0) {
            device.access().release(() -> calls.streams().destroy(stream));
            stream = 0;
        }
    }
}
