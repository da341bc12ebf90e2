package dev.nibble.simulator;

import static dev.nibble.simulator.InstructionCase.of;
import static dev.nibble.simulator.OperandValues.B16;
import static dev.nibble.simulator.OperandValues.B32;
import static dev.nibble.simulator.OperandValues.B64;
import static dev.nibble.simulator.OperandValues.F16;
import static dev.nibble.simulator.OperandValues.F32;
import static dev.nibble.simulator.OperandValues.F64;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Comparisons of the CUDA simulator. */
@ExtendWith(NeedsCudaSimulator.class)
class CompareInstructionsTest {
    @ParameterizedTest
    @MethodSource({"integers", "floats", "combined"})
    void matchesJava(InstructionCase test) {
        InstructionRunner.check(test);
    }

    private static boolean holds(String comparison, int order) {
        return switch (comparison) {
            case "eq" -> order == 0;
            case "ne" -> order != 0;
            case "lt", "lo" -> order < 0;
            case "le", "ls" -> order <= 0;
            case "gt", "hi" -> order > 0;
            default -> order >= 0;
        };
    }

    static Stream<InstructionCase> integers() {
        return Stream.of("eq", "ne", "lt", "le", "gt", "ge")
                .flatMap(comparison -> Stream.of(
                        of(
                                "setp." + comparison + ".s16 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(holds(comparison, Short.compare((short) a, (short) b))),
                                B16,
                                B16),
                        of(
                                "setp." + comparison + ".u16 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(holds(comparison, Long.compare(a, b))),
                                B16,
                                B16),
                        of(
                                "setp." + comparison + ".s32 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(holds(comparison, Integer.compare((int) a, (int) b))),
                                B32,
                                B32),
                        of(
                                "setp." + comparison + ".u32 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(holds(comparison, Long.compare(a, b))),
                                B32,
                                B32),
                        of(
                                "setp." + comparison + ".s64 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(holds(comparison, Long.compare(a, b))),
                                B64,
                                B64),
                        of(
                                "setp." + comparison + ".u64 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(holds(comparison, Long.compareUnsigned(a, b))),
                                B64,
                                B64),
                        of(
                                "set." + comparison + ".u32.s32 $d, $a, $b;",
                                32,
                                (a, b, c) -> holds(comparison, Integer.compare((int) a, (int) b)) ? -1 : 0,
                                B32,
                                B32)));
    }

    private static boolean ordered(String comparison, double a, double b) {
        boolean nan = Double.isNaN(a) || Double.isNaN(b);
        return switch (comparison) {
            case "num" -> !nan;
            case "nan" -> nan;
            case "equ", "neu", "ltu", "leu", "gtu", "geu" -> nan || value(comparison.substring(0, 2), a, b);
            default -> !nan && value(comparison, a, b);
        };
    }

    private static boolean value(String comparison, double a, double b) {
        return holds(comparison, a < b ? -1 : a > b ? 1 : 0);
    }

    static Stream<InstructionCase> floats() {
        return List.of("eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan")
                .stream()
                .flatMap(comparison -> Stream.of(
                        of(
                                "setp." + comparison + ".f32 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(ordered(comparison, single(a), single(b))),
                                F32,
                                F32),
                        of(
                                "setp." + comparison + ".ftz.f32 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(ordered(
                                        comparison,
                                        FloatInstructionsTest.flush(single(a)),
                                        FloatInstructionsTest.flush(single(b)))),
                                F32,
                                F32),
                        of(
                                "setp." + comparison + ".f64 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(
                                        ordered(comparison, Double.longBitsToDouble(a), Double.longBitsToDouble(b))),
                                F64,
                                F64),
                        of(
                                "setp." + comparison + ".f16 $d, $a, $b;",
                                1,
                                (a, b, c) -> bit(ordered(
                                        comparison, Float.float16ToFloat((short) a), Float.float16ToFloat((short) b))),
                                F16,
                                F16)));
    }

    /** With a second predicate, and results of both kinds. */
    static Stream<InstructionCase> combined() {
        return Stream.of("and", "or", "xor")
                .flatMap(combination -> Stream.of(
                        of(
                                "setp.lt.s32 %other, $a, 5; setp.eq." + combination + ".s32 $d|_, $a, $b, %other;",
                                1,
                                (a, b, c) -> bit(combine(combination, a == b, (int) a < 5)),
                                B32,
                                B32),
                        of(
                                "setp.lt.s32 %other, $a, 5; setp.eq." + combination + ".s32 _|$d, $a, $b, !%other;",
                                1,
                                (a, b, c) -> bit(combine(combination, a != b, (int) a >= 5)),
                                B32,
                                B32)));
    }

    private static boolean combine(String how, boolean first, boolean second) {
        return switch (how) {
            case "and" -> first && second;
            case "or" -> first || second;
            default -> first ^ second;
        };
    }

    private static float single(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static long bit(boolean value) {
        return value ? 1 : 0;
    }
}
