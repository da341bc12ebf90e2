package dev.nibble.simulator;

import static dev.nibble.simulator.InstructionCase.of;
import static dev.nibble.simulator.OperandValues.B16;
import static dev.nibble.simulator.OperandValues.B32;
import static dev.nibble.simulator.OperandValues.B64;
import static dev.nibble.simulator.OperandValues.BF16;
import static dev.nibble.simulator.OperandValues.F16;
import static dev.nibble.simulator.OperandValues.F32;
import static dev.nibble.simulator.OperandValues.F64;

import dev.nibble.simulator.InstructionCase.Equality;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Conversions of the CUDA simulator, between all types. */
@ExtendWith(NeedsCudaSimulator.class)
class ConvertInstructionsTest {
    @ParameterizedTest
    @MethodSource({"integers", "floatsToIntegers", "integersToFloats", "floats", "halves"})
    void matchesJava(InstructionCase test) {
        InstructionRunner.check(test);
    }

    /** An integer type of PTX, e.g. s16. */
    private record Whole(boolean signed, int bits) {
        static final List<Whole> ALL = List.of(
                new Whole(false, 8),
                new Whole(true, 8),
                new Whole(false, 16),
                new Whole(true, 16),
                new Whole(false, 32),
                new Whole(true, 32),
                new Whole(false, 64),
                new Whole(true, 64));

        String text() {
            return (signed ? "s" : "u") + bits;
        }

        int register() {
            return Math.max(bits, 16);
        }

        OperandValues values() {
            return bits <= 16 ? B16 : bits == 32 ? B32 : B64;
        }

        BigInteger value(long raw) {
            long unused = 64 - bits;
            long value = signed ? raw << unused >> unused : raw << unused >>> unused;
            return signed ? BigInteger.valueOf(value) : new BigInteger(Long.toUnsignedString(value));
        }

        BigInteger least() {
            return signed ? BigInteger.ONE.shiftLeft(bits - 1).negate() : BigInteger.ZERO;
        }

        BigInteger most() {
            return BigInteger.ONE.shiftLeft(signed ? bits - 1 : bits).subtract(BigInteger.ONE);
        }

        BigInteger clamp(BigInteger value) {
            return value.max(least()).min(most());
        }

        /** What a register holds: extended to its width as the type says. */
        long stored(BigInteger value) {
            return value(value.longValue()).longValue();
        }
    }

    static Stream<InstructionCase> integers() {
        List<InstructionCase> cases = new ArrayList<>();
        for (Whole to : Whole.ALL) {
            for (Whole from : Whole.ALL) {
                String types = to.text() + "." + from.text() + " $d, $a;";
                cases.add(of("cvt." + types, to.register(), (a, b, c) -> to.stored(from.value(a)), from.values()));
                cases.add(of(
                        "cvt.sat." + types,
                        to.register(),
                        (a, b, c) -> to.stored(to.clamp(from.value(a))),
                        from.values()));
            }
        }
        cases.add(of("cvt.u32.u8 $d, $a;", 32, (a, b, c) -> a & 0xff, B32));
        cases.add(of("cvt.s64.s8 $d, $a;", 64, (a, b, c) -> (byte) a, B32));
        cases.add(of("cvt.s32.s16 $d, $a;", 32, (a, b, c) -> (short) a, B64));
        return cases.stream();
    }

    private static final String[] INTEGRAL = {"rni", "rzi", "rmi", "rpi"};
    private static final RoundingMode[] MODES = {
        RoundingMode.HALF_EVEN, RoundingMode.DOWN, RoundingMode.FLOOR, RoundingMode.CEILING
    };

    static Stream<InstructionCase> floatsToIntegers() {
        List<InstructionCase> cases = new ArrayList<>();
        for (Whole to : Whole.ALL) {
            for (int mode = 0; mode < 4; mode++) {
                RoundingMode rounding = MODES[mode];
                String text = "cvt." + INTEGRAL[mode] + "." + to.text();
                cases.add(of(
                        text + ".f32 $d, $a;",
                        to.register(),
                        (a, b, c) -> whole(Float.intBitsToFloat((int) a), rounding, to, to.bits() == 64),
                        F32));
                cases.add(of(
                        text + ".f64 $d, $a;",
                        to.register(),
                        (a, b, c) -> whole(Double.longBitsToDouble(a), rounding, to, true),
                        F64));
                cases.add(of(
                        text + ".f16 $d, $a;",
                        to.register(),
                        (a, b, c) -> whole(Float.float16ToFloat((short) a), rounding, to, to.bits() == 64),
                        F16));
            }
        }
        cases.add(of("cvt.rzi.ftz.s32.f32 $d, $a;", 32, (a, b, c) -> (int) Float.intBitsToFloat((int) a), F32));
        return cases.stream();
    }

    private static long whole(double value, RoundingMode rounding, Whole to, boolean wide) {
        if (Double.isNaN(value)) {
            return wide ? to.stored(BigInteger.ONE.shiftLeft(to.bits() - 1)) : 0;
        }
        if (Double.isInfinite(value)) {
            return to.stored(value > 0 ? to.most() : to.least());
        }
        return to.stored(to.clamp(new BigDecimal(value).setScale(0, rounding).toBigInteger()));
    }

    static Stream<InstructionCase> integersToFloats() {
        List<InstructionCase> cases = new ArrayList<>();
        for (Whole from : Whole.ALL) {
            for (String mode : List.of("rn", "rz", "rm", "rp")) {
                cases.add(of(
                        "cvt." + mode + ".f32." + from.text() + " $d, $a;",
                        32,
                        (a, b, c) -> Integer.toUnsignedLong(
                                Float.floatToRawIntBits(single(mode, new BigDecimal(from.value(a))))),
                        from.values()));
                cases.add(of(
                        "cvt." + mode + ".f64." + from.text() + " $d, $a;",
                        64,
                        (a, b, c) -> Double.doubleToRawLongBits(wide(mode, new BigDecimal(from.value(a)))),
                        from.values()));
            }
            cases.add(of(
                    "cvt.rn.f16." + from.text() + " $d, $a;",
                    16,
                    (a, b, c) -> Halves.encode(from.value(a).doubleValue(), 10, -14, 15),
                    from.values()));
        }
        return cases.stream();
    }

    private static float single(String mode, BigDecimal exact) {
        float nearest = exact.floatValue();
        return switch (correction(mode, new BigDecimal(nearest).compareTo(exact), exact.signum())) {
            case -1 -> Math.nextDown(nearest);
            case 1 -> Math.nextUp(nearest);
            default -> nearest;
        };
    }

    private static double wide(String mode, BigDecimal exact) {
        double nearest = exact.doubleValue();
        return switch (correction(mode, new BigDecimal(nearest).compareTo(exact), exact.signum())) {
            case -1 -> Math.nextDown(nearest);
            case 1 -> Math.nextUp(nearest);
            default -> nearest;
        };
    }

    /**
     * Where the result of a rounding mode lies from the nearest number: the next one down (-1) or up (1), or there.
     *
     * @param side of the exact value that the nearest number lies on
     * @param sign of the exact value
     */
    private static int correction(String mode, int side, int sign) {
        return switch (mode) {
            case "rm" -> side > 0 ? -1 : 0;
            case "rp" -> side < 0 ? 1 : 0;
            case "rz" -> side * sign > 0 ? -sign : 0;
            default -> 0;
        };
    }

    static Stream<InstructionCase> floats() {
        return Stream.of(
                of(
                                "cvt.f64.f32 $d, $a;",
                                64,
                                (a, b, c) -> Double.doubleToRawLongBits(Float.intBitsToFloat((int) a)),
                                F32)
                        .when(Equality.F64),
                of("cvt.rn.f32.f64 $d, $a;", 32, (a, b, c) -> bits((float) Double.longBitsToDouble(a)), F64)
                        .when(Equality.F32),
                of("cvt.rz.f32.f64 $d, $a;", 32, (a, b, c) -> bits(towardsZero(Double.longBitsToDouble(a))), F64)
                        .when(Equality.F32),
                of("cvt.sat.f32.f32 $d, $a;", 32, (a, b, c) -> bits(saturate(Float.intBitsToFloat((int) a))), F32),
                of(
                        "cvt.ftz.sat.f32.f32 $d, $a;",
                        32,
                        (a, b, c) -> bits(saturate(FloatInstructionsTest.flush(Float.intBitsToFloat((int) a)))),
                        F32),
                of(
                                "cvt.rni.f32.f32 $d, $a;",
                                32,
                                (a, b, c) -> bits((float) Math.rint(Float.intBitsToFloat((int) a))),
                                F32)
                        .when(Equality.F32),
                of("cvt.rzi.f32.f32 $d, $a;", 32, (a, b, c) -> bits(truncate(Float.intBitsToFloat((int) a))), F32)
                        .when(Equality.F32),
                of(
                                "cvt.rmi.f32.f32 $d, $a;",
                                32,
                                (a, b, c) -> bits((float) Math.floor(Float.intBitsToFloat((int) a))),
                                F32)
                        .when(Equality.F32),
                of(
                                "cvt.rpi.f32.f32 $d, $a;",
                                32,
                                (a, b, c) -> bits((float) Math.ceil(Float.intBitsToFloat((int) a))),
                                F32)
                        .when(Equality.F32),
                of(
                                "cvt.rmi.f64.f64 $d, $a;",
                                64,
                                (a, b, c) -> Double.doubleToRawLongBits(Math.floor(Double.longBitsToDouble(a))),
                                F64)
                        .when(Equality.F64));
    }

    static Stream<InstructionCase> halves() {
        return Stream.of(
                of("cvt.f32.f16 $d, $a;", 32, (a, b, c) -> bits(Float.float16ToFloat((short) a)), F16)
                        .when(Equality.F32),
                of("cvt.rn.f16.f32 $d, $a;", 16, (a, b, c) -> Float.floatToFloat16(Float.intBitsToFloat((int) a)), F32)
                        .when(Equality.F16),
                of(
                                "cvt.rz.f16.f32 $d, $a;",
                                16,
                                (a, b, c) -> Halves.towardsZero(Float.intBitsToFloat((int) a), 10, -14, 15),
                                F32)
                        .when(Equality.F16),
                of(
                                "cvt.rn.f16.f64 $d, $a;",
                                16,
                                (a, b, c) -> Halves.encode(Double.longBitsToDouble(a), 10, -14, 15),
                                F64)
                        .when(Equality.F16),
                of("cvt.f32.bf16 $d, $a;", 32, (a, b, c) -> a << 16, BF16).when(Equality.F32),
                of(
                                "cvt.rn.bf16.f32 $d, $a;",
                                16,
                                (a, b, c) -> Halves.encode(Float.intBitsToFloat((int) a), 7, -126, 127),
                                F32)
                        .when(Equality.BF16),
                of(
                                "cvt.rz.bf16.f32 $d, $a;",
                                16,
                                (a, b, c) -> Halves.towardsZero(Float.intBitsToFloat((int) a), 7, -126, 127),
                                F32)
                        .when(Equality.BF16),
                of(
                                "cvt.rn.f16x2.f32 $d, $a, $b;",
                                32,
                                (a, b, c) -> Halves.encode(Float.intBitsToFloat((int) a), 10, -14, 15) << 16
                                        | Halves.encode(Float.intBitsToFloat((int) b), 10, -14, 15),
                                F32,
                                F32)
                        .when(Equality.F16_PAIR),
                of(
                                "cvt.rn.relu.f16.f32 $d, $a;",
                                16,
                                (a, b, c) -> Halves.encode(Math.max(0, Float.intBitsToFloat((int) a)), 10, -14, 15),
                                F32)
                        .when(Equality.F16));
    }

    private static float towardsZero(double value) {
        float nearest = (float) value;
        if (Math.abs((double) nearest) <= Math.abs(value) || Double.isNaN(value)) {
            return nearest;
        }
        return Math.copySign(Math.nextDown(Math.abs(nearest)), nearest);
    }

    private static float truncate(float value) {
        return (float) (value < 0 ? Math.ceil(value) : Math.floor(value));
    }

    private static float saturate(float value) {
        return value > 0 ? Math.min(value, 1) : 0;
    }

    private static long bits(float value) {
        return Integer.toUnsignedLong(Float.floatToRawIntBits(value));
    }
}
