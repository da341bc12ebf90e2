package dev.nibble.simulator;

import static dev.nibble.simulator.InstructionCase.Equality.ABOUT_F32;
import static dev.nibble.simulator.OperandValues.F32;
import static dev.nibble.simulator.OperandValues.F64;
import static dev.nibble.simulator.OperandValues.POSITIVE_F32;
import static dev.nibble.simulator.OperandValues.SMALL_F32;

import dev.nibble.simulator.InstructionCase.Equality;
import java.math.BigDecimal;
import java.util.function.BinaryOperator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Arithmetic of floats in the CUDA simulator, instruction by instruction. */
@ExtendWith(NeedsCudaSimulator.class)
class FloatInstructionsTest {
    private interface Single {
        float apply(float a, float b, float c);
    }

    @ParameterizedTest
    @MethodSource({"arithmetic", "flushed", "directed", "extremes", "approximations", "doubles"})
    void matchesJava(InstructionCase test) {
        InstructionRunner.check(test);
    }

    private static InstructionCase single(String text, Single oracle, OperandValues... sources) {
        return InstructionCase.of(text, 32, (a, b, c) -> bits(oracle.apply(value(a), value(b), value(c))), sources)
                .when(Equality.F32);
    }

    private static InstructionCase wide(String text, InstructionCase.Oracle oracle, OperandValues... sources) {
        return InstructionCase.of(text, 64, oracle, sources).when(Equality.F64);
    }

    static Stream<InstructionCase> arithmetic() {
        return Stream.of(
                single("add.f32 $d, $a, $b;", (a, b, c) -> a + b, F32, F32),
                single("add.rn.f32 $d, $a, 0f3F800000;", (a, b, c) -> a + 1, F32),
                single("add.sat.f32 $d, $a, $b;", (a, b, c) -> saturate(a + b), F32, F32),
                single("sub.f32 $d, $a, $b;", (a, b, c) -> a - b, F32, F32),
                single("mul.f32 $d, $a, $b;", (a, b, c) -> a * b, F32, F32),
                single("mul.sat.f32 $d, $a, $b;", (a, b, c) -> saturate(a * b), F32, F32),
                single("fma.rn.f32 $d, $a, $b, $c;", Math::fma, F32, F32, F32),
                single("fma.rn.sat.f32 $d, $a, $b, $c;", (a, b, c) -> saturate(Math.fma(a, b, c)), F32, F32, F32),
                single("div.rn.f32 $d, $a, $b;", (a, b, c) -> a / b, F32, F32),
                single("rcp.rn.f32 $d, $a;", (a, b, c) -> 1 / a, F32),
                single("sqrt.rn.f32 $d, $a;", (a, b, c) -> (float) Math.sqrt(a), F32),
                single("neg.f32 $d, $a;", (a, b, c) -> -a, F32),
                single("abs.f32 $d, $a;", (a, b, c) -> Math.abs(a), F32),
                single("copysign.f32 $d, $a, $b;", (a, b, c) -> Math.copySign(b, a), SMALL_F32, F32));
    }

    static Stream<InstructionCase> flushed() {
        return Stream.of(
                single("add.ftz.f32 $d, $a, $b;", (a, b, c) -> flush(flush(a) + flush(b)), F32, F32),
                single("mul.ftz.f32 $d, $a, $b;", (a, b, c) -> flush(flush(a) * flush(b)), F32, F32),
                single(
                        "fma.rn.ftz.f32 $d, $a, $b, $c;",
                        (a, b, c) -> flush(Math.fma(flush(a), flush(b), flush(c))),
                        F32,
                        F32,
                        F32),
                single("div.rn.ftz.f32 $d, $a, $b;", (a, b, c) -> flush(flush(a) / flush(b)), F32, F32),
                single("sqrt.rn.ftz.f32 $d, $a;", (a, b, c) -> (float) Math.sqrt(flush(a)), F32),
                single("abs.ftz.f32 $d, $a;", (a, b, c) -> flush(Math.abs(a)), F32));
    }

    /** Towards zero, downwards, upwards: the neighbour of the nearest float on that side of the exact value. */
    static Stream<InstructionCase> directed() {
        return Stream.of("rz", "rm", "rp")
                .flatMap(mode -> Stream.of(
                        single(
                                "add." + mode + ".f32 $d, $a, $b;",
                                (a, b, c) -> direct(mode, a + b, exact(a, b, BigDecimal::add)),
                                SMALL_F32,
                                SMALL_F32),
                        single(
                                "sub." + mode + ".f32 $d, $a, $b;",
                                (a, b, c) -> direct(mode, a - b, exact(a, b, BigDecimal::subtract)),
                                SMALL_F32,
                                SMALL_F32),
                        single(
                                "mul." + mode + ".f32 $d, $a, $b;",
                                (a, b, c) -> direct(mode, a * b, exact(a, b, BigDecimal::multiply)),
                                SMALL_F32,
                                SMALL_F32),
                        single(
                                "fma." + mode + ".f32 $d, $a, $b, $c;",
                                (a, b, c) -> direct(
                                        mode,
                                        Math.fma(a, b, c),
                                        exact(a, b, BigDecimal::multiply).add(new BigDecimal(c))),
                                SMALL_F32,
                                SMALL_F32,
                                SMALL_F32),
                        single("sqrt." + mode + ".f32 $d, $a;", (a, b, c) -> directedRoot(mode, a), POSITIVE_F32)))
                .map(test -> test.when(Equality.F32_ANY_ZERO));
    }

    static Stream<InstructionCase> extremes() {
        return Stream.of(
                single("min.f32 $d, $a, $b;", (a, b, c) -> number(a, b, Math.min(a, b)), F32, F32),
                single("max.f32 $d, $a, $b;", (a, b, c) -> number(a, b, Math.max(a, b)), F32, F32),
                single("min.NaN.f32 $d, $a, $b;", (a, b, c) -> Math.min(a, b), F32, F32),
                single("max.NaN.f32 $d, $a, $b;", (a, b, c) -> Math.max(a, b), F32, F32),
                single(
                        "max.ftz.f32 $d, $a, $b;",
                        (a, b, c) -> number(flush(a), flush(b), Math.max(flush(a), flush(b))),
                        F32,
                        F32),
                single(
                        "max.xorsign.abs.f32 $d, $a, $b;",
                        (a, b, c) -> Math.copySign(
                                number(Math.abs(a), Math.abs(b), Math.max(Math.abs(a), Math.abs(b))),
                                Math.copySign(1, a) * Math.copySign(1, b)),
                        F32,
                        F32));
    }

    static Stream<InstructionCase> approximations() {
        return Stream.of(
                approximate("ex2.approx.f32 $d, $a;", x -> Math.pow(2, x), SMALL_F32),
                approximate("ex2.approx.f32 $d, $a;", x -> Math.pow(2, x), F32),
                approximate("lg2.approx.f32 $d, $a;", x -> Math.log(x) / Math.log(2), POSITIVE_F32),
                approximate("sin.approx.f32 $d, $a;", Math::sin, SMALL_F32),
                approximate("cos.approx.f32 $d, $a;", Math::cos, SMALL_F32),
                approximate("tanh.approx.f32 $d, $a;", Math::tanh, F32),
                approximate("rcp.approx.f32 $d, $a;", x -> 1 / x, POSITIVE_F32),
                approximate("rsqrt.approx.f32 $d, $a;", x -> 1 / Math.sqrt(x), POSITIVE_F32),
                approximate("sqrt.approx.f32 $d, $a;", Math::sqrt, POSITIVE_F32),
                single("div.approx.f32 $d, $a, $b;", (a, b, c) -> a / b, SMALL_F32, SMALL_F32)
                        .when(ABOUT_F32),
                single("div.full.f32 $d, $a, $b;", (a, b, c) -> a / b, SMALL_F32, SMALL_F32)
                        .when(ABOUT_F32),
                single("ex2.approx.ftz.f32 $d, $a;", (a, b, c) -> flush((float) Math.pow(2, flush(a))), F32)
                        .when(ABOUT_F32));
    }

    static Stream<InstructionCase> doubles() {
        return Stream.of(
                wide("add.f64 $d, $a, $b;", on(Double::sum), F64, F64),
                wide("sub.rn.f64 $d, $a, $b;", on((a, b) -> a - b), F64, F64),
                wide("mul.f64 $d, $a, $b;", on((a, b) -> a * b), F64, F64),
                wide("div.rn.f64 $d, $a, $b;", on((a, b) -> a / b), F64, F64),
                wide(
                        "fma.rn.f64 $d, $a, $b, $c;",
                        (a, b, c) -> Double.doubleToRawLongBits(Math.fma(
                                Double.longBitsToDouble(a), Double.longBitsToDouble(b), Double.longBitsToDouble(c))),
                        F64,
                        F64,
                        F64),
                wide("sqrt.rn.f64 $d, $a;", on((a, b) -> Math.sqrt(a)), F64),
                wide("abs.f64 $d, $a;", on((a, b) -> Math.abs(a)), F64),
                wide("neg.f64 $d, $a;", on((a, b) -> -a), F64),
                wide("min.f64 $d, $a, $b;", on((a, b) -> a != a ? b : b != b ? a : Math.min(a, b)), F64, F64),
                wide("max.f64 $d, $a, $b;", on((a, b) -> a != a ? b : b != b ? a : Math.max(a, b)), F64, F64));
    }

    private static InstructionCase.Oracle on(DoubleBinaryOperator oracle) {
        return (a, b, c) -> Double.doubleToRawLongBits(
                oracle.applyAsDouble(Double.longBitsToDouble(a), Double.longBitsToDouble(b)));
    }

    private static InstructionCase approximate(String text, DoubleUnaryOperator oracle, OperandValues source) {
        return single(text, (a, b, c) -> (float) oracle.applyAsDouble(a), source)
                .when(ABOUT_F32);
    }

    private static BigDecimal exact(float a, float b, BinaryOperator<BigDecimal> operation) {
        return operation.apply(new BigDecimal(a), new BigDecimal(b));
    }

    private static float direct(String mode, float nearest, BigDecimal exact) {
        int side = new BigDecimal(nearest).compareTo(exact);
        if (side == 0) {
            return nearest;
        }
        boolean down = mode.equals("rm") || mode.equals("rz") && exact.signum() > 0;
        if (down) {
            return side > 0 ? Math.nextDown(nearest) : nearest;
        }
        return side < 0 ? Math.nextUp(nearest) : nearest;
    }

    private static float directedRoot(String mode, float a) {
        float nearest = (float) Math.sqrt(a);
        return direct(mode, nearest, new BigDecimal(Math.sqrt(a)));
    }

    private static float number(float a, float b, float both) {
        return a != a ? b : b != b ? a : both;
    }

    private static float saturate(float value) {
        return value > 0 ? Math.min(value, 1) : 0;
    }

    static float flush(float value) {
        return Math.abs(value) < Float.MIN_NORMAL ? Math.copySign(0, value) : value;
    }

    private static float value(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static long bits(float value) {
        return Integer.toUnsignedLong(Float.floatToRawIntBits(value));
    }
}
