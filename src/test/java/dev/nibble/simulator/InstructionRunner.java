package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/** Runs an instruction in a kernel of its own, in all lanes and in some, and compares what it gives with the oracle. */
final class InstructionRunner {
    private static final int THREADS = 128;
    private static final int BLOCKS = 6;
    private static final int VALUES = THREADS * BLOCKS;
    private static final long POISON = 0x5a5a5a5a5a5a5a5aL;

    private InstructionRunner() {}

    static void check(InstructionCase test) {
        SplittableRandom random = new SplittableRandom(test.text().hashCode());
        long[][] sources = new long[3][VALUES];
        for (int source = 0; source < test.sources().size(); source++) {
            for (int i = 0; i < VALUES; i++) {
                sources[source][i] = test.sources().get(source).next(random);
            }
        }
        try (SimulatedGpu gpu = new SimulatedGpu()) {
            long kernel = gpu.kernel(ptx(test), "test");
            long all = gpu.unwritten(8L * VALUES);
            long some = gpu.unwritten(8L * VALUES);
            gpu.run(
                    kernel,
                    BLOCKS,
                    THREADS,
                    0,
                    gpu.buffer(sources[0]),
                    gpu.buffer(sources[1]),
                    gpu.buffer(sources[2]),
                    all,
                    some);
            compare(test, sources, gpu.read(all, 8L * VALUES), gpu.read(some, 8L * VALUES));
        }
    }

    private static void compare(InstructionCase test, long[][] sources, MemorySegment all, MemorySegment some) {
        long mask = test.resultBits() == 64 ? -1 : (1L << test.resultBits()) - 1;
        for (int i = 0; i < VALUES; i++) {
            long a = sources[0][i];
            long b = sources[1][i];
            long c = sources[2][i];
            long expected = test.oracle().apply(a, b, c) & mask;
            long actual = all.getAtIndex(JAVA_LONG, i);
            long guarded = some.getAtIndex(JAVA_LONG, i);
            assertTrue(
                    test.equality().holds(expected, actual),
                    () -> String.format(
                            "%s: a=%x b=%x c=%x: %x expected, not %x", test.text(), a, b, c, expected, actual));
            long left = test.resultBits() == 1 ? 0 : POISON & mask;
            long expectedGuarded = i % 3 == 1 ? left : actual;
            assertTrue(
                    expectedGuarded == guarded,
                    () -> String.format("%s, guarded: %x expected, not %x", test.text(), expectedGuarded, guarded));
        }
    }

    /** Sources come from three arrays of 64-bit values; results go to two, of which the second has poison where the guard forbids. */
    private static String ptx(InstructionCase test) {
        StringBuilder text = new StringBuilder("""
                .version 7.8
                .target sm_80
                .address_size 64
                .visible .entry test(.param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3, .param .u64 p4)
                {
                    .reg .pred %guard, %other, %pd<2>;
                    .reg .b16 %hd<2>, %ha, %hb, %hc;
                    .reg .b32 %wd<2>, %wa, %wb, %wc, %t<5>;
                    .reg .b64 %ld<2>, %la, %lb, %lc, %x, %y, %z, %off;
                    mov.u32 %t0, %ctaid.x;
                    mov.u32 %t1, %tid.x;
                    mad.lo.s32 %t2, %t0, 128, %t1;
                    mul.wide.u32 %off, %t2, 8;
                    rem.u32 %t3, %t2, 3;
                    setp.ne.u32 %guard, %t3, 1;
                """);
        loadSources(test, text);
        String d = register(test.resultBits()) + "d";
        if (test.resultBits() == 1) {
            text.append("    setp.ne.u32 %pd1, 0, 0;\n");
        } else {
            String poison =
                    Long.toUnsignedString(POISON & (test.resultBits() == 64 ? -1 : (1L << test.resultBits()) - 1));
            text.append("    mov.b" + test.resultBits() + " " + d + "1, " + poison + ";\n");
        }
        storeResults(test, d, text);
        return text.append("    ret;\n}\n").toString();
    }

    private static void loadSources(InstructionCase test, StringBuilder text) {
        for (int i = 0; i < test.sources().size(); i++) {
            int bits = test.sources().get(i).bits();
            String register = register(bits) + "abc".charAt(i);
            text.append("    ld.param.u64 %x, [p").append(i).append("];\n    add.s64 %x, %x, %off;\n");
            text.append("    ld.global.u64 %y, [%x];\n    cvt.u").append(bits).append(".u64 ");
            text.append(register).append(", %y;\n");
        }
    }

    private static void storeResults(InstructionCase test, String d, StringBuilder text) {
        for (int i = 0; i < 2; i++) {
            String statement = instruction(test, d + i);
            text.append("    ").append(i == 0 ? statement : guarded(statement)).append('\n');
            text.append(
                    test.resultBits() == 1
                            ? "    selp.u64 %z, 1, 0, " + d + i + ";\n"
                            : "    cvt.u64.u" + test.resultBits() + " %z, " + d + i + ";\n");
            text.append("    ld.param.u64 %x, [p").append(3 + i).append("];\n");
            text.append("    add.s64 %x, %x, %off;\n    st.global.u64 [%x], %z;\n");
        }
    }

    private static String guarded(String statements) {
        return "@%guard " + statements.replace("; ", "; @%guard ");
    }

    private static String instruction(InstructionCase test, String result) {
        String text = test.text().replace("$d", result);
        for (int i = 0; i < test.sources().size(); i++) {
            text = text.replace(
                    "$" + "abc".charAt(i), register(test.sources().get(i).bits()) + "abc".charAt(i));
        }
        return text;
    }

    private static String register(int bits) {
        return switch (bits) {
            case 1 -> "%p";
            case 16 -> "%h";
            case 32 -> "%w";
            default -> "%l";
        };
    }
}
