package dev.nibble.device.opencl;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClException;
import dev.nibble.foreign.OpenClInfo;
import java.util.HashMap;
import java.util.Map;

/** The programs of a device, each a family of kernels with build options, compiled when first asked for. */
final class OpenClPrograms {
    /** A family of kernels, specialised. */
    private record Key(String family, String options) {}

    private final OpenCl calls;
    private final DeviceTraits device;
    private final long context;
    private final Map<Key, Long> programs = new HashMap<>();

    OpenClPrograms(OpenCl calls, DeviceTraits device, long context) {
        this.calls = calls;
        this.device = device;
        this.context = context;
    }

    /** A new kernel of a program, for the caller to release. */
    synchronized long kernel(String family, String options, String name) {
        Key key = new Key(family, options);
        Long program = programs.get(key);
        if (program == null) {
            program = build(key);
            programs.put(key, program);
        }
        return calls.createKernel(program, name);
    }

    private long build(Key key) {
        long program = calls.createProgram(context, KernelSource.of(key.family));
        try {
            calls.buildProgram(program, device.id(), options(key));
            return program;
        } catch (OpenClException e) {
            String log = e.isBuildFailure() ? log(program) : "";
            calls.releaseProgram(program);
            throw new UnsupportedFeatureException("device opencl, " + device.describe() + ": the kernels "
                    + key.family + ".cl do not compile with the options " + options(key) + ": " + e.getMessage()
                    + (log.isEmpty() ? "" : "\n" + log));
        }
    }

    private String options(Key key) {
        return "-cl-std=CL1.2" + (device.exactDivision() ? " -cl-fp32-correctly-rounded-divide-sqrt" : "")
                + (key.options.isEmpty() ? "" : " " + key.options);
    }

    private String log(long program) {
        return calls.buildInfo(program, device.id(), OpenClInfo.PROGRAM_BUILD_LOG)
                .text();
    }

    /** Lets go of all programs. */
    synchronized void close() {
        programs.values().forEach(calls::releaseProgram);
        programs.clear();
    }
}
