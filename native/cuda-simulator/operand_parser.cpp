// Parses operands: see operand_parser.h.
#include "operand_parser.h"

#include <bit>
#include <charconv>

namespace nibble::simulator {

namespace {

Operand number(Lexer& lexer, bool negative) {
    const Token token = lexer.expect(TokenKind::number, "a number");
    Operand result;
    std::string_view digits = token.text;
    const bool zero_letter = digits.size() > 1 && digits[0] == '0';
    const char kind = zero_letter ? digits[1] : '\0';
    const char* end = digits.data() + digits.size();
    std::from_chars_result read{};
    if (kind == 'f' || kind == 'F' || kind == 'd' || kind == 'D') {
        result.kind = kind == 'f' || kind == 'F' ? OperandKind::single : OperandKind::real;
        read = std::from_chars(digits.data() + 2, end, result.value, 16);
        if (negative) {
            result.value ^= result.kind == OperandKind::single ? 1ULL << 31 : 1ULL << 63;
        }
    } else if (digits.find_first_of(".eE") != std::string_view::npos && kind != 'x' && kind != 'X') {
        double value = 0;
        read = std::from_chars(digits.data(), end, value);
        result.kind = OperandKind::real;
        result.value = std::bit_cast<std::uint64_t>(negative ? -value : value);
    } else {
        result.kind = OperandKind::integer;
        if (digits.back() == 'U') {
            end--;
        }
        const int base = kind == 'x' || kind == 'X' ? 16 : kind == 'b' || kind == 'B' ? 2 : zero_letter ? 8 : 10;
        read = std::from_chars(digits.data() + (base == 16 || base == 2 ? 2 : 0), end, result.value, base);
        result.value = negative ? ~result.value + 1 : result.value;
    }
    if (read.ec != std::errc() || read.ptr != end) {
        lexer.fail(token.line, "'" + std::string(token.text) + "' is no number");
    }
    return result;
}

// What follows "[": name, name+4, name+-4, name-4, or a number.
Operand address(Lexer& lexer) {
    Operand result;
    result.kind = OperandKind::address;
    if (lexer.peek().kind == TokenKind::word) {
        result.name = lexer.next().text;
    }
    bool negative = false;
    while (lexer.peek().is("+") || lexer.peek().is("-")) {
        negative ^= lexer.next().is("-");
    }
    if (lexer.peek().kind == TokenKind::number) {
        result.value = number(lexer, negative).value;
    }
    lexer.expect("]");
    return result;
}

Operand group(Lexer& lexer, OperandKind kind, std::string_view end) {
    Operand result;
    result.kind = kind;
    result.parts = parse_operands(lexer, end);
    return result;
}

}  // namespace

std::vector<Operand> parse_operands(Lexer& lexer, std::string_view end) {
    std::vector<Operand> result;
    while (!lexer.accept(end)) {
        result.push_back(parse_operand(lexer));
        if (!lexer.peek().is(end)) {
            lexer.expect(",");
        }
    }
    return result;
}

Operand parse_operand(Lexer& lexer) {
    if (lexer.accept("[")) {
        return address(lexer);
    }
    if (lexer.accept("{")) {
        return group(lexer, OperandKind::elements, "}");
    }
    if (lexer.accept("(")) {
        return group(lexer, OperandKind::list, ")");
    }
    const bool negative = lexer.accept("-");
    if (negative || lexer.peek().kind == TokenKind::number) {
        return number(lexer, negative);
    }
    Operand result;
    result.negated = lexer.accept("!");
    result.name = lexer.expect(TokenKind::word, "an operand").text;
    if (lexer.accept("+")) {
        result.value = parse_count(lexer, "an offset");
    } else if (lexer.accept("|")) {
        result.second = lexer.expect(TokenKind::word, "a predicate").text;
    }
    return result;
}

std::uint64_t parse_count(Lexer& lexer, const char* what) {
    const unsigned line = lexer.peek().line;
    if (lexer.peek().kind != TokenKind::number) {
        lexer.fail(line, std::string(what) + " expected, not '" + std::string(lexer.peek().text) + "'");
    }
    return number(lexer, false).value;
}

}  // namespace nibble::simulator
