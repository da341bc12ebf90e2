package dev.nibble.simulator;

import static dev.nibble.simulator.OperandValues.B32;
import static dev.nibble.simulator.OperandValues.BF16;
import static dev.nibble.simulator.OperandValues.F16;

import dev.nibble.simulator.InstructionCase.Equality;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Collections;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Arithmetic of halves and bfloat16 in the CUDA simulator. */
@ExtendWith(NeedsCudaSimulator.class)
class HalfInstructionsTest {
    private interface Exact {
        /** The result with so many bits that a half of it is right; sums and products of halves are exact in double. */
        double apply(double a, double b, double c);
    }

    @ParameterizedTest
    @MethodSource({"halves", "pairs", "bfloats", "extremes"})
    void matchesJava(InstructionCase test) {
        InstructionRunner.check(test);
    }

    private static double half(long bits) {
        return Float.float16ToFloat((short) bits);
    }

    private static double bfloat(long bits) {
        return Float.intBitsToFloat((int) bits << 16);
    }

    private static long half(Exact exact, long a, long b, long c) {
        return Halves.encode(exact.apply(half(a), half(b), half(c)), 10, -14, 15);
    }

    private static InstructionCase f16(String text, Exact exact, int sources) {
        return InstructionCase.of(
                        text,
                        16,
                        (a, b, c) -> half(exact, a, b, c),
                        Collections.nCopies(sources, F16).toArray(OperandValues[]::new))
                .when(Equality.F16);
    }

    /** Odd in the last bit where it is not exact: rounding that again to a half gives what rounding the exact value gives. */
    private static double fused(double a, double b, double c) {
        double value = a * b + c;
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return value;
        }
        BigDecimal exact = new BigDecimal(a).multiply(new BigDecimal(b)).add(new BigDecimal(c));
        if (exact.signum() == 0) {
            return value;
        }
        double towardsZero = exact.round(new MathContext(40, RoundingMode.DOWN)).doubleValue();
        BigDecimal rest = exact.subtract(new BigDecimal(towardsZero));
        if (rest.signum() == 0) {
            return towardsZero;
        }
        double below = rest.signum() < 0 ? Math.nextDown(towardsZero) : towardsZero;
        return (Double.doubleToRawLongBits(below) & 1) == 1 ? below : Math.nextUp(below);
    }

    static Stream<InstructionCase> halves() {
        return Stream.of(
                f16("add.f16 $d, $a, $b;", (a, b, c) -> a + b, 2),
                f16("sub.f16 $d, $a, $b;", (a, b, c) -> a - b, 2),
                f16("mul.rn.f16 $d, $a, $b;", (a, b, c) -> a * b, 2),
                f16("add.sat.f16 $d, $a, $b;", (a, b, c) -> a + b > 0 ? Math.min(a + b, 1) : 0, 2),
                f16("fma.rn.f16 $d, $a, $b, $c;", HalfInstructionsTest::fused, 3),
                f16("fma.rn.relu.f16 $d, $a, $b, $c;", (a, b, c) -> Math.max(0.0, fused(a, b, c)), 3),
                f16("neg.f16 $d, $a;", (a, b, c) -> -a, 1),
                f16("abs.f16 $d, $a;", (a, b, c) -> Math.abs(a), 1));
    }

    static Stream<InstructionCase> pairs() {
        return Stream.of(
                pair("add.f16x2 $d, $a, $b;", (a, b, c) -> a + b),
                pair("mul.f16x2 $d, $a, $b;", (a, b, c) -> a * b),
                pair("fma.rn.f16x2 $d, $a, $b, $c;", HalfInstructionsTest::fused));
    }

    private static InstructionCase pair(String text, Exact exact) {
        OperandValues[] sources =
                text.contains("$c") ? new OperandValues[] {B32, B32, B32} : new OperandValues[] {B32, B32};
        return InstructionCase.of(
                        text,
                        32,
                        (a, b, c) -> half(exact, a & 0xffff, b & 0xffff, c & 0xffff)
                                | half(exact, a >>> 16, b >>> 16, c >>> 16) << 16,
                        sources)
                .when(Equality.F16_PAIR);
    }

    static Stream<InstructionCase> bfloats() {
        return Stream.of(
                bf16("fma.rn.bf16 $d, $a, $b, $c;", HalfInstructionsTest::fused),
                bf16("add.bf16 $d, $a, $b;", (a, b, c) -> fused(a, 1, b)),
                bf16("mul.bf16 $d, $a, $b;", (a, b, c) -> a * b));
    }

    private static InstructionCase bf16(String text, Exact exact) {
        OperandValues[] sources =
                text.contains("$c") ? new OperandValues[] {BF16, BF16, BF16} : new OperandValues[] {BF16, BF16};
        return InstructionCase.of(
                        text,
                        16,
                        (a, b, c) -> Halves.encode(exact.apply(bfloat(a), bfloat(b), bfloat(c)), 7, -126, 127),
                        sources)
                .when(Equality.BF16);
    }

    static Stream<InstructionCase> extremes() {
        return Stream.of(
                f16("min.f16 $d, $a, $b;", (a, b, c) -> a != a ? b : b != b ? a : Math.min(a, b), 2),
                f16("max.f16 $d, $a, $b;", (a, b, c) -> a != a ? b : b != b ? a : Math.max(a, b), 2),
                f16("max.NaN.f16 $d, $a, $b;", (a, b, c) -> Math.max(a, b), 2));
    }
}
