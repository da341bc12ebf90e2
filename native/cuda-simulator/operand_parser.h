// Parses operands of instructions and values of variables.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lexer.h"
#include "syntax.h"

namespace nibble::simulator {

Operand parse_operand(Lexer& lexer);
// Up to the end's punctuation, which is taken too.
std::vector<Operand> parse_operands(Lexer& lexer, std::string_view end);
// A number without sign; `what` is expected, for the message.
std::uint64_t parse_count(Lexer& lexer, const char* what);

}  // namespace nibble::simulator
