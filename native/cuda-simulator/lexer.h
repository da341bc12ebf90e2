// Splits PTX text into tokens.
#pragma once

#include <string>
#include <string_view>

namespace nibble::simulator {

enum class TokenKind {
    end,
    word,         // name, %register, %special.x, opcode.with.modifiers
    directive,    // .name
    number,
    text,         // "..."
    punctuation,  // one character
};

struct Token {
    TokenKind kind = TokenKind::end;
    std::string_view text;
    unsigned line = 0;

    bool is(std::string_view other) const { return text == other && kind != TokenKind::text; }
};

class Lexer {
public:
    Lexer(std::string_view text, std::string name) : text_(text), name_(std::move(name)) { advance(); }

    const Token& peek() const { return token_; }
    Token next();
    bool accept(std::string_view text);
    Token expect(std::string_view text);
    Token expect(TokenKind kind, const char* what);
    // Skips to the end of the line on which the current token stands.
    void skip_line();
    // Skips a text in braces, the current token being the first brace.
    void skip_braces();
    [[noreturn]] void fail(unsigned line, const std::string& message) const;

private:
    void advance();
    void skip_space();
    std::string_view take_while(bool (*belongs)(char));

    std::string_view text_;
    std::string name_;
    std::size_t position_ = 0;
    unsigned line_ = 1;
    Token token_;
};

// The text of a line, numbered from 1, without the spaces around it.
std::string line_text(std::string_view text, unsigned line);

}  // namespace nibble::simulator
