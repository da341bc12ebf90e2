// Modifiers and operands of a statement: see decoder.h.
#include <array>
#include <bit>

#include "decoder.h"

namespace nibble::simulator {

namespace {

unsigned register_bits(Type type) {
    const unsigned bits = bits_of(type);
    return bits == 1 ? 1 : bits < 16 ? 16 : bits;
}

constexpr std::array<std::string_view, 25> special_names = {
    "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
    "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%gridid",
    "%dynamic_smem_size", "%total_smem_size", "%lanemask_eq", "%lanemask_le", "%lanemask_lt", "%lanemask_ge", "%lanemask_gt",
};

}  // namespace

bool Decoder::take(std::string_view modifier) {
    for (std::size_t i = 0; i < taken_.size(); i++) {
        if (!taken_[i] && statement_->modifiers[i] == modifier) {
            taken_[i] = true;
            return true;
        }
    }
    return false;
}

std::string_view Decoder::peek_modifier() const {
    for (std::size_t i = 0; i < taken_.size(); i++) {
        if (!taken_[i]) {
            return statement_->modifiers[i];
        }
    }
    return {};
}

int Decoder::take_one(std::initializer_list<std::string_view> choices) {
    int index = 0;
    for (const std::string_view choice : choices) {
        if (take(choice)) {
            return index;
        }
        index++;
    }
    return -1;
}

Type Decoder::take_type() {
    for (std::size_t i = 0; i < taken_.size(); i++) {
        const std::optional<Type> type = taken_[i] ? std::nullopt : type_of(statement_->modifiers[i]);
        if (type) {
            taken_[i] = true;
            return *type;
        }
    }
    fail("a type is missing");
}

void Decoder::finish() {
    const std::string_view left = peek_modifier();
    if (!left.empty()) {
        fail("the simulator does not know '." + std::string(left) + "' here");
    }
}

void Decoder::expect_target(unsigned least) const {
    if (names_.syntax->target < least) {
        fail("sm_" + std::to_string(least) + " is needed, this module is for sm_" + std::to_string(names_.syntax->target));
    }
}

const Operand& Decoder::operand(std::size_t index) const {
    if (index >= statement_->operands.size()) {
        fail("operand " + std::to_string(index + 1) + " is missing");
    }
    return statement_->operands[index];
}

void Decoder::expect_operands(std::size_t least, std::size_t most) const {
    if (count() < least || count() > most) {
        fail(std::to_string(count()) + " operands, not " + std::to_string(least) +
             (most > least ? " to " + std::to_string(most) : ""));
    }
}

bool Decoder::find_register(std::string_view name, Slot& slot, Type& type) const {
    std::size_t digits = name.size();
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') {
        digits--;
    }
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        if (const auto found = scope->registers.find(name); found != scope->registers.end()) {
            slot = static_cast<Slot>(found->second.first << 1);
            type = found->second.type;
            return true;
        }
        const auto found = digits == name.size() ? scope->registers.end() : scope->registers.find(name.substr(0, digits));
        if (found != scope->registers.end() && found->second.count >= 0) {
            std::int64_t number = 0;
            for (const char c : name.substr(digits)) {
                number = number * 10 + (c - '0');
            }
            if (number < found->second.count) {
                slot = static_cast<Slot>((found->second.first + number) << 1);
                type = found->second.type;
                return true;
            }
        }
    }
    return false;
}

Slot Decoder::scratch(unsigned bits) { return static_cast<Slot>(new_register(bits) << 1); }

Slot Decoder::carry() {
    if (carry_ == no_slot) {
        carry_ = scratch(1);
    }
    return carry_;
}

Slot Decoder::wide_result(const Operand& operand, Type type, unsigned& bits) {
    Slot slot = no_slot;
    Type declared = type;
    if (operand.kind == OperandKind::name && operand.name == "_") {
        bits = register_bits(type);
        return scratch(bits);
    }
    if (operand.kind != OperandKind::name || operand.negated || !find_register(operand.name, slot, declared)) {
        fail("'" + std::string(operand.name) + "' is no register");
    }
    bits = register_bits(declared);
    if (bits < register_bits(type) || (bits == 1) != (register_bits(type) == 1)) {
        fail("register '" + std::string(operand.name) + "' is too narrow");
    }
    return slot;
}

Slot Decoder::wide_source(const Operand& operand, Type type, unsigned& bits) {
    Slot slot = no_slot;
    Type declared = type;
    if (operand.kind == OperandKind::name && find_register(operand.name, slot, declared)) {
        bits = register_bits(declared);
        if (bits < register_bits(type) || (bits == 1) != (register_bits(type) == 1)) {
            fail("register '" + std::string(operand.name) + "' is too narrow");
        }
        return slot;
    }
    bits = register_bits(type);
    if (operand.kind != OperandKind::name) {
        return immediate_slot(operand, type);
    }
    if (const std::optional<Special> found = special(operand.name)) {
        if (bits > 32) {
            fail("'" + std::string(operand.name) + "' has 32 bits");
        }
        bits = 32;
        return special_slot(*found);
    }
    if (operand.name == "WARP_SZ") {
        return constant(lanes, bits);
    }
    if (const std::optional<Symbol> found = symbol(operand.name)) {
        return constant(found->address + operand.value, bits);
    }
    fail("unknown name '" + std::string(operand.name) + "'");
}

Slot Decoder::result(const Operand& operand, Type type) {
    unsigned bits = 0;
    const Slot slot = wide_result(operand, type, bits);
    if (bits != register_bits(type)) {
        fail("register '" + std::string(operand.name) + "' has " + std::to_string(bits) + " bits");
    }
    return slot;
}

Slot Decoder::source(const Operand& operand, Type type) {
    unsigned bits = 0;
    const Slot slot = wide_source(operand, type, bits);
    if (bits != register_bits(type)) {
        fail("'" + std::string(operand.name) + "' has " + std::to_string(bits) + " bits");
    }
    return slot;
}

Slot Decoder::named_predicate(std::string_view name, bool result) {
    Slot slot = no_slot;
    Type type = Type::pred;
    if (result && name == "_") {
        return scratch(1);
    }
    if (!find_register(name, slot, type) || type != Type::pred) {
        fail("'" + std::string(name) + "' is no predicate");
    }
    return slot;
}

bool Decoder::is_immediate(const Operand& operand) const {
    return operand.kind == OperandKind::integer || operand.kind == OperandKind::single || operand.kind == OperandKind::real;
}

std::uint64_t Decoder::immediate(const Operand& operand) const {
    if (operand.kind != OperandKind::integer) {
        fail("an integer constant is needed");
    }
    return operand.value;
}

Slot Decoder::immediate_slot(const Operand& operand, Type type) {
    std::uint64_t value = operand.value;
    switch (operand.kind) {
        case OperandKind::integer:
            if (type == Type::f32 || type == Type::f64) {
                fail("an integer constant where a float is needed");
            }
            break;
        case OperandKind::single:
            if (type == Type::f64) {
                value = std::bit_cast<std::uint64_t>(
                    static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(value))));
            }
            break;
        case OperandKind::real:
            if (bits_of(type) == 32) {
                value = std::bit_cast<std::uint32_t>(static_cast<float>(std::bit_cast<double>(value)));
            }
            break;
        default: fail("a register or a constant is needed");
    }
    return constant(type == Type::pred && value != 0 ? all_lanes : value, register_bits(type));
}

// Constants are stored as registers are: a value for each lane. Predicates are a word of bits.
Slot Decoder::constant(std::uint64_t value, unsigned bits) {
    if (bits < 64) {
        value &= bits == 1 ? all_lanes : (1ULL << bits) - 1;
    }
    const auto [found, fresh] = constants_.try_emplace({value, bits}, 0);
    if (fresh) {
        const std::size_t offset = constant_words_.size() * 8;
        const std::size_t words = bits == 1 ? 8 : lanes * bits / 64;
        const std::uint64_t repeated = bits == 64 ? value : bits == 16 ? value * 0x0001000100010001ULL : value * 0x0000000100000001ULL;
        constant_words_.insert(constant_words_.end(), words, repeated);
        found->second = static_cast<Slot>(offset << 1 | 1);
    }
    return found->second;
}

std::optional<Special> Decoder::special(std::string_view name) const {
    for (std::size_t i = 0; i < special_names.size(); i++) {
        if (special_names[i] == name) {
            return static_cast<Special>(i);
        }
    }
    return std::nullopt;
}

Slot Decoder::special_slot(Special special) {
    const auto [found, fresh] = specials_.try_emplace(special, 0);
    if (fresh) {
        found->second = scratch(32);
    }
    return found->second;
}

std::optional<Symbol> Decoder::symbol(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        if (const auto found = scope->symbols.find(name); found != scope->symbols.end()) {
            return found->second;
        }
    }
    if (const auto found = shared_.find(name); found != shared_.end()) {
        return found->second;
    }
    if (const auto found = names_.globals.find(name); found != names_.globals.end()) {
        return Symbol{Space::global, found->second, 0};
    }
    return std::nullopt;
}

}  // namespace nibble::simulator
