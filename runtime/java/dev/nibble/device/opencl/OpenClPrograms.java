package dev.nibble.device.opencl;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClException;
import dev.nibble.foreign.OpenClInfo;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/** The programs of a device, each a family of kernels with build options, compiled when first asked for. */
final class OpenClPrograms {
    private static final System.Logger LOG = System.getLogger(OpenClPrograms.class.getName());

    /** A family of kernels, specialised. */
    private record Key(String family, String options) {}

    private final OpenCl calls;
    private final DeviceTraits device;
    private final long context;
    private final ProgramCache cache;
    private final Set<DeviceFeature> features = EnumSet.noneOf(DeviceFeature.class);
    private final Map<Key, Long> programs = new HashMap<>();

    OpenClPrograms(OpenCl calls, DeviceTraits device, long context, ProgramCache cache) {
        this.calls = calls;
        this.device = device;
        this.context = context;
        this.cache = cache;
    }

    /** Lets the programs that are compiled from now on use these features. */
    synchronized void use(Set<DeviceFeature> working) {
        features.addAll(working);
    }

    /** The features that programs use. */
    synchronized Set<DeviceFeature> features() {
        return EnumSet.copyOf(features);
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
        String source = KernelSource.of(key.family);
        String options = options(key);
        String name = ProgramCache.key(device, options, source);
        Optional<Long> cached = cache.get(name).flatMap(code -> load(code, options));
        if (cached.isPresent()) {
            return cached.get();
        }
        long program = compile(key.family, source, options);
        if (cache.keeps()) {
            code(program).ifPresent(code -> cache.put(name, code));
        }
        return program;
    }

    /** A program of device code; empty if the driver does not take it. */
    private Optional<Long> load(byte[] code, String options) {
        long program = 0;
        try {
            program = calls.createProgram(context, device.id(), code);
            calls.buildProgram(program, device.id(), options);
            return Optional.of(program);
        } catch (OpenClException e) {
            if (program != 0) {
                calls.releaseProgram(program);
            }
            return Optional.empty();
        }
    }

    private long compile(String family, String source, String options) {
        long program = calls.createProgram(context, source);
        try {
            calls.buildProgram(program, device.id(), options);
            return program;
        } catch (OpenClException e) {
            String log = e.isBuildFailure() ? log(program) : "";
            calls.releaseProgram(program);
            throw new UnsupportedFeatureException("device opencl, " + device.describe(features) + ": the kernels "
                    + family + ".cl do not compile with the options " + options + ": " + e.getMessage()
                    + (log.isEmpty() ? "" : "\n" + log));
        }
    }

    /** The device code of a program; empty if the driver gives none. */
    private Optional<byte[]> code(long program) {
        try {
            long[] devices =
                    calls.programInfo(program, OpenClInfo.PROGRAM_DEVICES).longs();
            for (int i = 0; i < devices.length; i++) {
                if (devices[i] == device.id()) {
                    return Optional.of(calls.programBinary(program, i)).filter(code -> code.length > 0);
                }
            }
        } catch (OpenClException e) {
            LOG.log(System.Logger.Level.DEBUG, "the driver gives no code of its programs", e);
        }
        return Optional.empty();
    }

    private String options(Key key) {
        Set<DeviceFeature> used = EnumSet.copyOf(features);
        Arrays.stream(DeviceFeature.values())
                .filter(feature -> key.options.contains(feature.option()))
                .forEach(used::add);
        String general = "-cl-std=" + device.language(used)
                + (device.exactDivision() ? " -cl-fp32-correctly-rounded-divide-sqrt" : "")
                + features.stream().map(feature -> " " + feature.option()).collect(Collectors.joining());
        return general + (key.options.isEmpty() ? "" : " " + key.options);
    }

    private String log(long program) {
        return calls.buildInfo(program, device.id(), OpenClInfo.PROGRAM_BUILD_LOG)
                .text();
    }

    /** Lets go of all programs. */
    synchronized void close(LongConsumer release) {
        programs.values().forEach(release::accept);
        programs.clear();
    }
}
