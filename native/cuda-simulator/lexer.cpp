// Splits PTX text into tokens: see lexer.h.
#include "lexer.h"

#include "module.h"

namespace nibble::simulator {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%'; }
bool in_name(char c) { return letter(c) || digit(c); }
// Opcodes and special registers have dots inside, hints like L1::evict_last colons.
bool in_word(char c) { return in_name(c) || c == '.' || c == ':'; }

}  // namespace

std::string line_text(std::string_view text, unsigned line) {
    std::size_t begin = 0;
    for (unsigned at = 1; at < line && begin != std::string_view::npos; at++) {
        begin = text.find('\n', begin);
        begin += begin != std::string_view::npos ? 1 : 0;
    }
    if (begin == std::string_view::npos) {
        return {};
    }
    std::string_view found = text.substr(begin, text.find('\n', begin) - begin);
    const std::size_t first = found.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) {
        return {};
    }
    return std::string(found.substr(first, found.find_last_not_of(" \t\r") - first + 1));
}

void Lexer::fail(unsigned line, const std::string& message) const {
    throw PtxError(line, name_ + ":" + std::to_string(line) + ": " + message + ": " + line_text(text_, line));
}

Token Lexer::next() {
    Token token = token_;
    advance();
    return token;
}

bool Lexer::accept(std::string_view text) {
    if (!token_.is(text)) {
        return false;
    }
    advance();
    return true;
}

Token Lexer::expect(std::string_view text) {
    if (!token_.is(text)) {
        fail(token_.line, "'" + std::string(text) + "' expected, not '" + std::string(token_.text) + "'");
    }
    return next();
}

Token Lexer::expect(TokenKind kind, const char* what) {
    if (token_.kind != kind) {
        fail(token_.line, std::string(what) + " expected, not '" + std::string(token_.text) + "'");
    }
    return next();
}

void Lexer::skip_line() {
    const unsigned line = token_.line;
    while (token_.kind != TokenKind::end && token_.line == line) {
        advance();
    }
}

void Lexer::skip_braces() {
    const unsigned line = token_.line;
    int depth = 0;
    do {
        if (token_.kind == TokenKind::end) {
            fail(line, "'{' without '}'");
        }
        depth += token_.is("{") ? 1 : token_.is("}") ? -1 : 0;
        advance();
    } while (depth > 0);
}

void Lexer::skip_space() {
    while (position_ < text_.size()) {
        const char c = text_[position_];
        if (c == '\n') {
            line_++;
            position_++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            position_++;
        } else if (text_.substr(position_, 2) == "//") {
            position_ = std::min(text_.find('\n', position_), text_.size());
        } else if (text_.substr(position_, 2) == "/*") {
            const std::size_t end = std::min(text_.find("*/", position_ + 2), text_.size() - 2);
            for (; position_ < end + 2; position_++) {
                line_ += text_[position_] == '\n' ? 1 : 0;
            }
        } else {
            return;
        }
    }
}

std::string_view Lexer::take_while(bool (*belongs)(char)) {
    const std::size_t begin = position_++;
    while (position_ < text_.size() && belongs(text_[position_])) {
        position_++;
    }
    return text_.substr(begin, position_ - begin);
}

void Lexer::advance() {
    skip_space();
    token_ = Token{TokenKind::end, {}, line_};
    if (position_ >= text_.size() || text_[position_] == '\0') {
        return;
    }
    const char c = text_[position_];
    const char after = position_ + 1 < text_.size() ? text_[position_ + 1] : ' ';
    if (c == '"') {
        const std::size_t end = text_.find('"', position_ + 1);
        if (end == std::string_view::npos) {
            fail(line_, "text without its end");
        }
        token_.kind = TokenKind::text;
        token_.text = text_.substr(position_ + 1, end - position_ - 1);
        position_ = end + 1;
    } else if (digit(c)) {
        token_.kind = TokenKind::number;
        token_.text = take_while([](char d) { return in_name(d) || d == '.'; });
        const char last = token_.text.back();
        const bool exponent = (last == 'e' || last == 'E') && token_.text.substr(0, 2) != "0x";
        if (exponent && position_ < text_.size() && (text_[position_] == '-' || text_[position_] == '+')) {
            const std::string_view power = take_while(digit);
            token_.text = std::string_view(token_.text.data(), token_.text.size() + power.size());
        }
    } else if (letter(c)) {
        token_.kind = TokenKind::word;
        token_.text = take_while(in_word);
        while (token_.text.back() == ':') {  // the colon after a label
            token_.text.remove_suffix(1);
            position_--;
        }
    } else if (c == '.' && letter(after)) {
        token_.kind = TokenKind::directive;
        token_.text = take_while(in_name);
    } else {
        token_.kind = TokenKind::punctuation;
        token_.text = text_.substr(position_++, 1);
    }
}

}  // namespace nibble::simulator
