package dev.nibble.engine;

import dev.nibble.device.KvType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.NeedsOpenCl;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/** Parts of every layer on two devices of each kind, for all types of a KV cache. */
@Tag("slow")
class TensorSplitDevicesTest {
    private static final TensorSplitProbe PROBE = new TensorSplitProbe(23, 16);

    private static Stream<KvType> types() {
        return Stream.of(KvType.F16, KvType.Q8_0, KvType.Q4_0);
    }

    /** All models; of each kind of attention and feed-forward part one with all types. */
    private static Stream<DynamicTest> cases(String one, String two) {
        return Stream.concat(
                TensorSplitProbe.models().map(model -> PROBE.test(model, one, two, KvType.F16)),
                Stream.of("random-qwen3-q8_0", "random-llama-moe-q8_0", "tiny-q4_0")
                        .flatMap(model ->
                                Stream.of(KvType.Q8_0, KvType.Q4_0).map(kv -> PROBE.test(model, one, two, kv))));
    }

    @TestFactory
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> cuda() {
        return cases("cuda:0", "cuda:0,cuda:1");
    }

    @TestFactory
    @ExtendWith(NeedsOpenCl.class)
    Stream<DynamicTest> openCl() {
        return cases("opencl:0", "opencl:0,opencl:0");
    }

    @TestFactory
    @ExtendWith({NeedsCuda.class, NeedsOpenCl.class})
    Stream<DynamicTest> devicesOfTwoKinds() {
        return Stream.of("cuda:0,cpu", "cpu,cuda:0", "opencl:0,cpu", "cpu,opencl:0", "reference,cpu")
                .map(devices -> PROBE.test("random-llama-moe-q8_0", devices.split(",")[0], devices, KvType.Q8_0));
    }

    @TestFactory
    @ExtendWith(NeedsOpenCl.class)
    Stream<DynamicTest> latentAttentionOnOpenCl() {
        return types().map(kv -> PROBE.test("random-deepseek2-q8_0", "opencl:0", "opencl:0,opencl:0", kv, 3.0, 1.0));
    }

    @TestFactory
    Stream<DynamicTest> processors() {
        return TensorSplitProbe.models().flatMap(model -> types().map(kv -> PROBE.test(model, "cpu", "cpu,cpu", kv)));
    }
}
