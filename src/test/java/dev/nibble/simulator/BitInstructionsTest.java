package dev.nibble.simulator;

import static dev.nibble.simulator.InstructionCase.of;
import static dev.nibble.simulator.OperandValues.B16;
import static dev.nibble.simulator.OperandValues.B32;
import static dev.nibble.simulator.OperandValues.B64;
import static dev.nibble.simulator.OperandValues.SHIFT;

import java.math.BigInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Logic, shifts, bit fields and bytes of the CUDA simulator, instruction by instruction. */
@ExtendWith(NeedsCudaSimulator.class)
class BitInstructionsTest {
    private static final long LOW_32 = 0xffffffffL;

    @ParameterizedTest
    @MethodSource({"logic", "lookups", "shifts", "fields", "counts", "permutations"})
    void matchesJava(InstructionCase test) {
        InstructionRunner.check(test);
    }

    static Stream<InstructionCase> logic() {
        return Stream.of(
                of("and.b32 $d, $a, $b;", 32, (a, b, c) -> a & b, B32, B32),
                of("or.b64 $d, $a, $b;", 64, (a, b, c) -> a | b, B64, B64),
                of("xor.b16 $d, $a, $b;", 16, (a, b, c) -> a ^ b, B16, B16),
                of("not.b32 $d, $a;", 32, (a, b, c) -> ~a, B32),
                of("cnot.b32 $d, $a;", 32, (a, b, c) -> a == 0 ? 1 : 0, B32),
                of("not.b64 $d, $a;", 64, (a, b, c) -> ~a, B64),
                of("slct.u32.s32 $d, $a, $b, $c;", 32, (a, b, c) -> (int) c >= 0 ? a : b, B32, B32, B32),
                of("slct.b64.s32 $d, $a, $b, $c;", 64, (a, b, c) -> (int) c >= 0 ? a : b, B64, B64, B32));
    }

    static Stream<InstructionCase> lookups() {
        return IntStream.of(0x00, 0x01, 0x17, 0x28, 0x6a, 0x80, 0x96, 0xa8, 0xac, 0xca, 0xe2, 0xea, 0xf8, 0xfe, 0xff)
                .mapToObj(table -> of(
                        "lop3.b32 $d, $a, $b, $c, " + table + ";",
                        32,
                        (a, b, c) -> lookup(table, a, b, c),
                        B32,
                        B32,
                        B32));
    }

    static Stream<InstructionCase> shifts() {
        return Stream.of(
                of("shl.b16 $d, $a, $b;", 16, (a, b, c) -> b > 15 ? 0 : a << b, B16, SHIFT),
                of("shl.b32 $d, $a, $b;", 32, (a, b, c) -> b > 31 ? 0 : a << b, B32, SHIFT),
                of("shl.b64 $d, $a, $b;", 64, (a, b, c) -> b > 63 ? 0 : a << b, B64, SHIFT),
                of("shr.u16 $d, $a, $b;", 16, (a, b, c) -> b > 15 ? 0 : a >>> b, B16, SHIFT),
                of("shr.s16 $d, $a, $b;", 16, (a, b, c) -> (short) a >> Math.min(b, 15), B16, SHIFT),
                of("shr.u32 $d, $a, $b;", 32, (a, b, c) -> b > 31 ? 0 : a >>> b, B32, SHIFT),
                of("shr.b32 $d, $a, 5;", 32, (a, b, c) -> a >>> 5, B32),
                of("shr.s32 $d, $a, $b;", 32, (a, b, c) -> (int) a >> Math.min(b, 31), B32, SHIFT),
                of("shr.u64 $d, $a, $b;", 64, (a, b, c) -> b > 63 ? 0 : a >>> b, B64, SHIFT),
                of("shr.s64 $d, $a, $b;", 64, (a, b, c) -> a >> Math.min(b, 63), B64, SHIFT),
                of(
                        "shf.l.wrap.b32 $d, $a, $b, $c;",
                        32,
                        (a, b, c) -> (b << 32 | a) << (c & 31) >>> 32,
                        B32,
                        B32,
                        SHIFT),
                of("shf.r.wrap.b32 $d, $a, $b, $c;", 32, (a, b, c) -> (b << 32 | a) >>> (c & 31), B32, B32, SHIFT),
                of(
                        "shf.l.clamp.b32 $d, $a, $b, $c;",
                        32,
                        (a, b, c) -> (b << 32 | a) << Math.min(c, 32) >>> 32,
                        B32,
                        B32,
                        SHIFT),
                of(
                        "shf.r.clamp.b32 $d, $a, $b, $c;",
                        32,
                        (a, b, c) -> (b << 32 | a) >>> Math.min(c, 32),
                        B32,
                        B32,
                        SHIFT));
    }

    static Stream<InstructionCase> fields() {
        return Stream.of(
                of("bfe.u32 $d, $a, $b, $c;", 32, (a, b, c) -> extract(a, b, c, 32, false), B32, SHIFT, SHIFT),
                of("bfe.s32 $d, $a, $b, $c;", 32, (a, b, c) -> extract(a, b, c, 32, true), B32, SHIFT, SHIFT),
                of("bfe.u64 $d, $a, $b, $c;", 64, (a, b, c) -> extract(a, b, c, 64, false), B64, SHIFT, SHIFT),
                of("bfe.s64 $d, $a, $b, $c;", 64, (a, b, c) -> extract(a, b, c, 64, true), B64, SHIFT, SHIFT),
                of("bfi.b32 $d, $a, $b, $c, 8;", 32, (a, b, c) -> insert(a, b, c, 8, 32), B32, B32, SHIFT),
                of("bfi.b32 $d, $a, $b, 4, $c;", 32, (a, b, c) -> insert(a, b, 4, c, 32), B32, B32, SHIFT),
                of("bfi.b64 $d, $a, $b, $c, 40;", 64, (a, b, c) -> insert(a, b, c, 40, 64), B64, B64, SHIFT),
                of("bmsk.clamp.b32 $d, $a, 8;", 32, (a, b, c) -> a > 31 ? 0 : 0xffL << a, SHIFT),
                of("szext.clamp.s32 $d, $a, $b;", 32, (a, b, c) -> b > 31 ? a : extract(a, 0, b, 32, true), B32, SHIFT),
                of(
                        "szext.clamp.u32 $d, $a, $b;",
                        32,
                        (a, b, c) -> b > 31 ? a : extract(a, 0, b, 32, false),
                        B32,
                        SHIFT));
    }

    static Stream<InstructionCase> counts() {
        return Stream.of(
                of("popc.b32 $d, $a;", 32, (a, b, c) -> Long.bitCount(a), B32),
                of("popc.b64 $d, $a;", 32, (a, b, c) -> Long.bitCount(a), B64),
                of("clz.b32 $d, $a;", 32, (a, b, c) -> Integer.numberOfLeadingZeros((int) a), B32),
                of("clz.b64 $d, $a;", 32, (a, b, c) -> Long.numberOfLeadingZeros(a), B64),
                of("brev.b32 $d, $a;", 32, (a, b, c) -> Integer.reverse((int) a), B32),
                of("brev.b64 $d, $a;", 64, (a, b, c) -> Long.reverse(a), B64),
                of("bfind.u32 $d, $a;", 32, (a, b, c) -> 63 - Long.numberOfLeadingZeros(a), B32),
                of("bfind.s32 $d, $a;", 32, (a, b, c) -> find((int) a), B32),
                of("bfind.u64 $d, $a;", 32, (a, b, c) -> 63 - Long.numberOfLeadingZeros(a), B64),
                of("bfind.s64 $d, $a;", 32, (a, b, c) -> find(a), B64),
                of(
                        "bfind.shiftamt.u32 $d, $a;",
                        32,
                        (a, b, c) -> a == 0 ? -1 : Long.numberOfLeadingZeros(a) - 32,
                        B32));
    }

    static Stream<InstructionCase> permutations() {
        return Stream.concat(
                Stream.of(of("prmt.b32 $d, $a, $b, $c;", 32, BitInstructionsTest::permute, B32, B32, B32)),
                IntStream.range(0, 4)
                        .boxed()
                        .flatMap(mode -> Stream.of(
                                of(
                                        "prmt.b32.f4e $d, $a, $b, " + mode + ";",
                                        32,
                                        (a, b, c) -> (b << 32 | a) >>> 8 * mode,
                                        B32,
                                        B32),
                                of(
                                        "prmt.b32.b4e $d, $a, $b, " + mode + ";",
                                        32,
                                        (a, b, c) -> permute(a, b, new int[] {0x5670, 0x6701, 0x7012, 0x0123}[mode]),
                                        B32,
                                        B32),
                                of(
                                        "prmt.b32.rc8 $d, $a, $b, " + mode + ";",
                                        32,
                                        (a, b, c) -> (a >>> 8 * mode & 0xff) * 0x01010101L,
                                        B32,
                                        B32),
                                of(
                                        "prmt.b32.ecl $d, $a, $b, " + mode + ";",
                                        32,
                                        (a, b, c) -> permute(a, b, new int[] {0x3210, 0x3211, 0x3222, 0x3333}[mode]),
                                        B32,
                                        B32),
                                of(
                                        "prmt.b32.ecr $d, $a, $b, " + mode + ";",
                                        32,
                                        (a, b, c) -> permute(a, b, new int[] {0x0000, 0x1110, 0x2210, 0x3210}[mode]),
                                        B32,
                                        B32),
                                of(
                                        "prmt.b32.rc16 $d, $a, $b, " + mode + ";",
                                        32,
                                        (a, b, c) -> (a >>> 16 * (mode & 1) & 0xffff) * 0x00010001L,
                                        B32,
                                        B32))));
    }

    private static long lookup(int table, long a, long b, long c) {
        long result = 0;
        for (int bit = 0; bit < 32; bit++) {
            long index = (a >> bit & 1) << 2 | (b >> bit & 1) << 1 | c >> bit & 1;
            result |= (long) (table >> index & 1) << bit;
        }
        return result;
    }

    private static long permute(long a, long b, long selector) {
        long both = b << 32 | a;
        long result = 0;
        for (int i = 0; i < 4; i++) {
            long pick = selector >> 4 * i & 15;
            byte value = (byte) (both >>> 8 * (pick & 7));
            result |= (pick > 7 ? value >> 7 & 0xff : value & 0xff) << 8 * i & 0xffL << 8 * i;
        }
        return result & LOW_32;
    }

    /** With integers of any size: the field above the top bit is of signs, or of zeros. */
    private static long extract(long a, long position, long length, int bits, boolean sign) {
        long size = length & 0xff;
        if (size == 0) {
            return 0;
        }
        BigInteger value =
                sign ? BigInteger.valueOf(bits == 32 ? (int) a : a) : new BigInteger(Long.toUnsignedString(a));
        BigInteger field = value.shiftRight((int) (position & 0xff))
                .and(BigInteger.ONE.shiftLeft((int) size).subtract(BigInteger.ONE));
        boolean negative = sign && field.testBit((int) size - 1);
        return (negative ? field.subtract(BigInteger.ONE.shiftLeft((int) size)) : field).longValue();
    }

    private static long insert(long a, long b, long position, long length, int bits) {
        BigInteger mask = BigInteger.ONE
                .shiftLeft((int) (length & 0xff))
                .subtract(BigInteger.ONE)
                .shiftLeft((int) (position & 0xff));
        BigInteger kept = new BigInteger(Long.toUnsignedString(b)).andNot(mask);
        BigInteger put = new BigInteger(Long.toUnsignedString(a))
                .shiftLeft((int) (position & 0xff))
                .and(mask);
        long all = bits == 64 ? -1 : LOW_32;
        return kept.or(put).longValue() & all;
    }

    private static long find(long a) {
        return 63 - Long.numberOfLeadingZeros(a < 0 ? ~a : a);
    }
}
