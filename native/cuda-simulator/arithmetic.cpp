// Opcodes that integers, floats and halves share.
#include "decode_types.h"

namespace nibble::simulator {

namespace {

// The kind of arithmetic is that of the first type in the opcode.
void decode_arithmetic(Decoder& decoder) {
    for (const std::string_view modifier : decoder.statement().modifiers) {
        const std::optional<Type> type = type_of(modifier);
        if (modifier == "u16x2" || modifier == "s16x2") {
            return decode_integer_arithmetic(decoder);
        }
        if (!type) {
            continue;
        }
        if (*type == Type::f32 || *type == Type::f64) {
            return decode_float_arithmetic(decoder);
        }
        if (is_float(*type)) {
            return decode_half_arithmetic(decoder);
        }
        return decode_integer_arithmetic(decoder);
    }
    decoder.fail("a type is missing");
}

}  // namespace

Instruction& emit_map(Decoder& decoder, Handler handler, Type result, std::initializer_list<Type> sources) {
    decoder.finish();
    if (handler == nullptr) {
        decoder.fail("the simulator does not know this instruction for this type");
    }
    decoder.expect_operands(sources.size() + 1, sources.size() + 1);
    const Slot d = decoder.result(0, result);
    Slot slots[3] = {no_slot, no_slot, no_slot};
    std::size_t index = 0;
    for (const Type type : sources) {
        slots[index] = decoder.source(index + 1, type);
        index++;
    }
    Instruction& made = decoder.emit(handler);
    made.d = d;
    made.a = slots[0];
    made.b = slots[1];
    made.c = slots[2];
    return made;
}

Instruction& emit_same(Decoder& decoder, Handler handler, Type type, unsigned sources) {
    switch (sources) {
        case 1: return emit_map(decoder, handler, type, {type});
        case 2: return emit_map(decoder, handler, type, {type, type});
        default: return emit_map(decoder, handler, type, {type, type, type});
    }
}

void add_arithmetic_opcodes(OpcodeTable& table) {
    for (const std::string_view opcode : {"add", "sub", "mul", "mad", "fma", "div", "rem", "min", "max", "abs", "neg", "addc", "subc",
                                          "madc", "mul24", "mad24", "sad"}) {
        table[opcode] = decode_arithmetic;
    }
}

}  // namespace nibble::simulator
