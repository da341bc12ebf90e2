package dev.nibble.simulator;

import static dev.nibble.simulator.InstructionCase.of;
import static dev.nibble.simulator.OperandValues.B16;
import static dev.nibble.simulator.OperandValues.B32;
import static dev.nibble.simulator.OperandValues.B64;

import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Integer arithmetic of the CUDA simulator, instruction by instruction. */
@ExtendWith(NeedsCudaSimulator.class)
class IntegerInstructionsTest {
    private static final long LOW_32 = 0xffffffffL;

    @ParameterizedTest
    @MethodSource({"sums", "products", "wideProducts", "quotients", "extremes", "dotProducts", "pairs"})
    void matchesJava(InstructionCase test) {
        InstructionRunner.check(test);
    }

    static Stream<InstructionCase> sums() {
        return Stream.of(
                of("add.s16 $d, $a, $b;", 16, (a, b, c) -> a + b, B16, B16),
                of("add.u32 $d, $a, $b;", 32, (a, b, c) -> a + b, B32, B32),
                of("add.s32 $d, $a, -7;", 32, (a, b, c) -> a - 7, B32),
                of("add.s64 $d, $a, $b;", 64, (a, b, c) -> a + b, B64, B64),
                of("add.sat.s32 $d, $a, $b;", 32, (a, b, c) -> saturate((long) (int) a + (int) b), B32, B32),
                of("sub.u16 $d, $a, $b;", 16, (a, b, c) -> a - b, B16, B16),
                of("sub.s32 $d, $a, $b;", 32, (a, b, c) -> a - b, B32, B32),
                of("sub.s64 $d, $a, $b;", 64, (a, b, c) -> a - b, B64, B64),
                of("sub.sat.s32 $d, $a, $b;", 32, (a, b, c) -> saturate((long) (int) a - (int) b), B32, B32),
                of("add.cc.u32 $d, $a, $b; addc.u32 $d, $a, $c;", 32, IntegerInstructionsTest::carried, B32, B32, B32),
                of("sub.cc.u32 $d, $a, $b; subc.u32 $d, $a, $c;", 32, IntegerInstructionsTest::borrowed, B32, B32, B32),
                of(
                        "add.cc.u64 $d, $a, $b; addc.u64 $d, $a, $c;",
                        64,
                        (a, b, c) -> a + c + (Long.compareUnsigned(a + b, a) < 0 ? 1 : 0),
                        B64,
                        B64,
                        B64),
                of(
                        "mad.lo.cc.u32 $d, $a, $b, $c; madc.hi.u32 $d, $a, $b, 0;",
                        32,
                        (a, b, c) -> (a * b >>> 32) + (((a * b & LOW_32) + c) >>> 32),
                        B32,
                        B32,
                        B32),
                of("neg.s16 $d, $a;", 16, (a, b, c) -> -a, B16),
                of("neg.s32 $d, $a;", 32, (a, b, c) -> -a, B32),
                of("neg.s64 $d, $a;", 64, (a, b, c) -> -a, B64),
                of("abs.s32 $d, $a;", 32, (a, b, c) -> Math.abs((int) a), B32),
                of("abs.s64 $d, $a;", 64, (a, b, c) -> Math.abs(a), B64),
                of("sad.u32 $d, $a, $b, $c;", 32, (a, b, c) -> c + Math.abs(a - b), B32, B32, B32),
                of("sad.s32 $d, $a, $b, $c;", 32, (a, b, c) -> c + Math.abs((long) (int) a - (int) b), B32, B32, B32));
    }

    private static long carried(long a, long b, long c) {
        return a + c + (a + b >>> 32);
    }

    private static long borrowed(long a, long b, long c) {
        return a - c - (a < b ? 1 : 0);
    }

    static Stream<InstructionCase> products() {
        return Stream.of(
                of("mul.lo.s16 $d, $a, $b;", 16, (a, b, c) -> a * b, B16, B16),
                of("mul.lo.s32 $d, $a, $b;", 32, (a, b, c) -> a * b, B32, B32),
                of("mul.lo.u64 $d, $a, $b;", 64, (a, b, c) -> a * b, B64, B64),
                of("mul.hi.u16 $d, $a, $b;", 16, (a, b, c) -> a * b >> 16, B16, B16),
                of("mul.hi.s16 $d, $a, $b;", 16, (a, b, c) -> (short) a * (short) b >> 16, B16, B16),
                of("mul.hi.u32 $d, $a, $b;", 32, (a, b, c) -> a * b >>> 32, B32, B32),
                of("mul.hi.s32 $d, $a, $b;", 32, (a, b, c) -> (long) (int) a * (int) b >> 32, B32, B32),
                of("mul.hi.u64 $d, $a, $b;", 64, (a, b, c) -> Math.unsignedMultiplyHigh(a, b), B64, B64),
                of("mul.hi.s64 $d, $a, $b;", 64, (a, b, c) -> Math.multiplyHigh(a, b), B64, B64),
                of("mad.lo.s32 $d, $a, $b, $c;", 32, (a, b, c) -> a * b + c, B32, B32, B32),
                of("mad.lo.s64 $d, $a, $b, $c;", 64, (a, b, c) -> a * b + c, B64, B64, B64),
                of("mad.hi.u32 $d, $a, $b, $c;", 32, (a, b, c) -> (a * b >>> 32) + c, B32, B32, B32),
                of(
                        "mad.hi.sat.s32 $d, $a, $b, $c;",
                        32,
                        (a, b, c) -> saturate(((long) (int) a * (int) b >> 32) + (int) c),
                        B32,
                        B32,
                        B32),
                of("mul24.lo.u32 $d, $a, $b;", 32, (a, b, c) -> (a & 0xffffff) * (b & 0xffffff), B32, B32),
                of("mul24.hi.u32 $d, $a, $b;", 32, (a, b, c) -> (a & 0xffffff) * (b & 0xffffff) >>> 16, B32, B32),
                of("mul24.lo.s32 $d, $a, $b;", 32, (a, b, c) -> signed24(a) * signed24(b), B32, B32),
                of("mad24.lo.s32 $d, $a, $b, $c;", 32, (a, b, c) -> signed24(a) * signed24(b) + c, B32, B32, B32),
                of(
                        "mad24.hi.s32 $d, $a, $b, $c;",
                        32,
                        (a, b, c) -> (signed24(a) * signed24(b) >> 16) + c,
                        B32,
                        B32,
                        B32));
    }

    static Stream<InstructionCase> wideProducts() {
        return Stream.of(
                of("mul.wide.u16 $d, $a, $b;", 32, (a, b, c) -> a * b, B16, B16),
                of("mul.wide.s16 $d, $a, $b;", 32, (a, b, c) -> (short) a * (short) b, B16, B16),
                of("mul.wide.u32 $d, $a, $b;", 64, (a, b, c) -> a * b, B32, B32),
                of("mul.wide.s32 $d, $a, $b;", 64, (a, b, c) -> (long) (int) a * (int) b, B32, B32),
                of("mad.wide.u16 $d, $a, $b, $c;", 32, (a, b, c) -> a * b + c, B16, B16, B32),
                of("mad.wide.u32 $d, $a, $b, $c;", 64, (a, b, c) -> a * b + c, B32, B32, B64),
                of("mad.wide.s32 $d, $a, $b, $c;", 64, (a, b, c) -> (long) (int) a * (int) b + c, B32, B32, B64));
    }

    static Stream<InstructionCase> quotients() {
        return Stream.of(
                of("div.u16 $d, $a, $b;", 16, (a, b, c) -> b == 0 ? -1 : a / b, B16, B16),
                of("div.s16 $d, $a, $b;", 16, (a, b, c) -> b == 0 ? -1 : (short) a / (short) b, B16, B16),
                of("div.u32 $d, $a, $b;", 32, (a, b, c) -> b == 0 ? -1 : a / b, B32, B32),
                of("div.s32 $d, $a, $b;", 32, (a, b, c) -> b == 0 ? -1 : (int) a / (int) b, B32, B32),
                of("div.u64 $d, $a, $b;", 64, (a, b, c) -> b == 0 ? -1 : Long.divideUnsigned(a, b), B64, B64),
                of("div.s64 $d, $a, $b;", 64, (a, b, c) -> b == 0 ? -1 : a / b, B64, B64),
                of("rem.u32 $d, $a, $b;", 32, (a, b, c) -> b == 0 ? a : a % b, B32, B32),
                of("rem.s32 $d, $a, $b;", 32, (a, b, c) -> b == 0 ? a : (int) a % (int) b, B32, B32),
                of("rem.s16 $d, $a, $b;", 16, (a, b, c) -> b == 0 ? a : (short) a % (short) b, B16, B16),
                of("rem.u64 $d, $a, $b;", 64, (a, b, c) -> b == 0 ? a : Long.remainderUnsigned(a, b), B64, B64),
                of("rem.s64 $d, $a, $b;", 64, (a, b, c) -> b == 0 ? a : a % b, B64, B64));
    }

    static Stream<InstructionCase> extremes() {
        return Stream.of(
                of("min.u16 $d, $a, $b;", 16, (a, b, c) -> Math.min(a, b), B16, B16),
                of("min.s16 $d, $a, $b;", 16, (a, b, c) -> Math.min((short) a, (short) b), B16, B16),
                of("min.u32 $d, $a, $b;", 32, (a, b, c) -> Math.min(a, b), B32, B32),
                of("min.s32 $d, $a, $b;", 32, (a, b, c) -> Math.min((int) a, (int) b), B32, B32),
                of("max.u32 $d, $a, $b;", 32, (a, b, c) -> Math.max(a, b), B32, B32),
                of("max.s32 $d, $a, $b;", 32, (a, b, c) -> Math.max((int) a, (int) b), B32, B32),
                of("max.relu.s32 $d, $a, $b;", 32, (a, b, c) -> Math.max(0, Math.max((int) a, (int) b)), B32, B32),
                of("max.s64 $d, $a, $b;", 64, (a, b, c) -> Math.max(a, b), B64, B64),
                of("min.u64 $d, $a, $b;", 64, (a, b, c) -> Long.compareUnsigned(a, b) < 0 ? a : b, B64, B64));
    }

    static Stream<InstructionCase> dotProducts() {
        return Stream.of("u32.u32", "u32.s32", "s32.u32", "s32.s32").flatMap(types -> {
            boolean first = types.startsWith("s");
            boolean second = types.endsWith("s32");
            return Stream.of(
                    of(
                            "dp4a." + types + " $d, $a, $b, $c;",
                            32,
                            (a, b, c) -> dot4(a, b, c, first, second),
                            B32,
                            B32,
                            B32),
                    of(
                            "dp2a.lo." + types + " $d, $a, $b, $c;",
                            32,
                            (a, b, c) -> dot2(a, b, c, first, second),
                            B32,
                            B32,
                            B32),
                    of(
                            "dp2a.hi." + types + " $d, $a, $b, $c;",
                            32,
                            (a, b, c) -> dot2(a, b >>> 16, c, first, second),
                            B32,
                            B32,
                            B32));
        });
    }

    static Stream<InstructionCase> pairs() {
        return Stream.of(
                of("add.u16x2 $d, $a, $b;", 32, (a, b, c) -> a + b & 0xffff | (a >> 16) + (b >> 16) << 16, B32, B32),
                of(
                        "min.s16x2 $d, $a, $b;",
                        32,
                        (a, b, c) -> Math.min((short) a, (short) b) & 0xffff
                                | (long) Math.min((short) (a >> 16), (short) (b >> 16)) << 16,
                        B32,
                        B32),
                of(
                        "max.u16x2 $d, $a, $b;",
                        32,
                        (a, b, c) -> Math.max(a & 0xffff, b & 0xffff) | Math.max(a >>> 16, b >>> 16) << 16,
                        B32,
                        B32));
    }

    private static long saturate(long value) {
        return Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    private static long signed24(long value) {
        return (int) value << 8 >> 8;
    }

    private static long dot4(long a, long b, long sum, boolean first, boolean second) {
        for (int i = 0; i < 32; i += 8) {
            sum += (first ? (byte) (a >> i) : a >> i & 0xff) * (second ? (byte) (b >> i) : b >> i & 0xff);
        }
        return sum;
    }

    private static long dot2(long a, long b, long sum, boolean first, boolean second) {
        for (int i = 0; i < 2; i++) {
            long x = first ? (short) (a >> 16 * i) : a >> 16 * i & 0xffff;
            sum += x * (second ? (byte) (b >> 8 * i) : b >> 8 * i & 0xff);
        }
        return sum;
    }
}
