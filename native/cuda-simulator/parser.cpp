// Parses PTX text: see parser.h.
#include "parser.h"

#include <cstdlib>

#include "lexer.h"
#include "operand_parser.h"

namespace nibble::simulator {

namespace {

class Parser {
public:
    Parser(std::string_view text, const std::string& name) : lexer_(text, name) {}

    ModuleSyntax module();

private:
    void directive();
    void function(bool kernel);
    void performance(FunctionSyntax& function);
    std::vector<Declaration> parameters();
    Declaration declaration(bool external);
    void declared_name(Declaration& declaration);
    void array_sizes(Declaration& declaration);
    void initialiser(std::vector<Operand>& values);
    void body(FunctionSyntax& function);
    void body_directive(FunctionSyntax& function);
    void statement(FunctionSyntax& function);
    void location();
    void file();
    std::uint64_t count(const char* what) { return parse_count(lexer_, what); }

    Lexer lexer_;
    ModuleSyntax module_;
    SourceLine source_;
};

void split(std::string_view word, std::vector<std::string_view>& parts) {
    while (!word.empty()) {
        const std::size_t dot = word.find('.');
        parts.push_back(word.substr(0, dot));
        word = dot == std::string_view::npos ? std::string_view() : word.substr(dot + 1);
    }
}

ModuleSyntax Parser::module() {
    lexer_.expect(".version");
    lexer_.expect(TokenKind::number, "a version");
    lexer_.expect(".target");
    const Token target = lexer_.expect(TokenKind::word, "a target");
    if (!target.text.starts_with("sm_")) {
        lexer_.fail(target.line, "unknown target");
    }
    module_.target = static_cast<unsigned>(std::atoi(std::string(target.text.substr(3)).c_str()));
    while (lexer_.accept(",")) {
        lexer_.next();
    }
    while (lexer_.peek().kind != TokenKind::end) {
        directive();
    }
    return std::move(module_);
}

void Parser::directive() {
    bool external = false;
    for (;;) {
        if (lexer_.accept(".extern")) {
            external = true;
        } else if (!lexer_.accept(".visible") && !lexer_.accept(".weak") && !lexer_.accept(".common")) {
            break;
        }
    }
    const Token token = lexer_.peek();
    if (lexer_.accept(".entry")) {
        function(true);
    } else if (lexer_.accept(".func")) {
        function(false);
    } else if (token.is(".global") || token.is(".const") || token.is(".shared")) {
        module_.variables.push_back(declaration(external));
        lexer_.expect(";");
    } else if (token.is(".file")) {
        file();
    } else if (lexer_.accept(".section")) {
        lexer_.next();
        lexer_.skip_braces();
    } else if (lexer_.accept(".address_size")) {
        if (!lexer_.expect(TokenKind::number, "a size").is("64")) {
            lexer_.fail(token.line, "addresses of 64 bits only");
        }
    } else if (token.is(".loc")) {
        lexer_.skip_line();
    } else if (lexer_.accept(".pragma")) {
        lexer_.next();
        lexer_.expect(";");
    } else if (!lexer_.accept(";")) {
        lexer_.fail(token.line, "unknown directive '" + std::string(token.text) + "'");
    }
}

// .file 1 "name"; fields after the name do not matter here.
void Parser::file() {
    const unsigned line = lexer_.next().line;
    const Token number = lexer_.expect(TokenKind::number, "a number");
    const Token name = lexer_.expect(TokenKind::text, "a file name");
    module_.files.emplace_back(std::atoi(std::string(number.text).c_str()), name.text);
    if (lexer_.peek().line == line) {
        lexer_.skip_line();
    }
}

void Parser::function(bool kernel) {
    FunctionSyntax result;
    result.kernel = kernel;
    result.line = lexer_.peek().line;
    if (!kernel && lexer_.peek().is("(")) {
        result.results = parameters();
    }
    result.name = lexer_.expect(TokenKind::word, "a function's name").text;
    if (lexer_.peek().is("(")) {
        result.parameters = parameters();
    }
    performance(result);
    if (!lexer_.accept(";")) {
        result.defined = true;
        body(result);
    }
    module_.functions.push_back(std::move(result));
}

// Directives between a function's head and its body.
void Parser::performance(FunctionSyntax& function) {
    for (;;) {
        const Token token = lexer_.peek();
        if (token.kind != TokenKind::directive) {
            return;
        }
        lexer_.next();
        if (token.is(".noreturn")) {
            continue;
        }
        if (token.is(".pragma")) {
            lexer_.next();
            lexer_.expect(";");
            continue;
        }
        const bool threads = token.is(".maxntid") || token.is(".reqntid");
        if (!threads && !token.is(".minnctapersm") && !token.is(".maxnctapersm") && !token.is(".maxnreg")) {
            lexer_.fail(token.line, "unknown directive '" + std::string(token.text) + "'");
        }
        std::uint64_t product = count("a count");
        while (lexer_.accept(",")) {
            product *= count("a count");
        }
        if (threads) {
            function.max_threads = product;
        }
    }
}

std::vector<Declaration> Parser::parameters() {
    std::vector<Declaration> result;
    lexer_.expect("(");
    while (!lexer_.accept(")")) {
        result.push_back(declaration(false));
        if (!lexer_.peek().is(")")) {
            lexer_.expect(",");
        }
    }
    return result;
}

// .space (.align N) .type (.ptr .space .align N) name (<N> | [N]...) (= values)
Declaration Parser::declaration(bool external) {
    Declaration result;
    const Token space = lexer_.expect(TokenKind::directive, "a state space");
    result.line = space.line;
    result.space = space.text.substr(1);
    result.external = external;
    bool pointer = false;
    while (lexer_.peek().kind == TokenKind::directive) {
        const Token token = lexer_.next();
        if (token.is(".align")) {
            const auto alignment = static_cast<unsigned>(count("an alignment"));
            result.alignment = pointer ? result.alignment : alignment;
        } else if (token.is(".ptr")) {
            pointer = true;
        } else if (!pointer && result.type.empty()) {
            result.type = token.text.substr(1);
        }
    }
    declared_name(result);
    array_sizes(result);
    if (lexer_.accept("=")) {
        initialiser(result.values);
        if (result.elements == 0) {
            result.elements = result.values.size();
        }
    }
    return result;
}

// name, or name<N> for the registers name0 ... of that number
void Parser::declared_name(Declaration& declaration) {
    declaration.name = lexer_.expect(TokenKind::word, "a name").text;
    declaration.numbered = -1;
    if (lexer_.accept("<")) {
        declaration.numbered = static_cast<std::int64_t>(count("a number of registers"));
        lexer_.expect(">");
    }
}

void Parser::array_sizes(Declaration& declaration) {
    while (lexer_.accept("[")) {
        if (lexer_.accept("]")) {
            declaration.elements = 0;
        } else {
            declaration.elements *= count("an array's size");
            lexer_.expect("]");
        }
    }
}

void Parser::initialiser(std::vector<Operand>& values) {
    if (!lexer_.accept("{")) {
        values.push_back(parse_operand(lexer_));
        return;
    }
    while (!lexer_.accept("}")) {
        initialiser(values);
        if (!lexer_.peek().is("}")) {
            lexer_.expect(",");
        }
    }
}

void Parser::body(FunctionSyntax& function) {
    lexer_.expect("{");
    int depth = 1;
    source_ = {};
    while (depth > 0) {
        const Token token = lexer_.peek();
        if (token.kind == TokenKind::end) {
            lexer_.fail(function.line, "a function without its end");
        }
        if (token.is("{") || token.is("}")) {
            lexer_.next();
            depth += token.is("{") ? 1 : -1;
            Statement scope;
            scope.kind = token.is("{") ? StatementKind::scope_begin : StatementKind::scope_end;
            scope.line = token.line;
            if (depth > 0) {
                function.body.push_back(std::move(scope));
            }
        } else if (token.kind == TokenKind::directive) {
            body_directive(function);
        } else if (!lexer_.accept(";")) {
            statement(function);
        }
    }
}

void Parser::body_directive(FunctionSyntax& function) {
    const Token token = lexer_.peek();
    if (token.is(".loc")) {
        location();
    } else if (lexer_.accept(".pragma")) {
        lexer_.next();
        lexer_.expect(";");
    } else if (lexer_.accept(".branchtargets")) {
        if (function.body.empty() || function.body.back().kind != StatementKind::label) {
            lexer_.fail(token.line, ".branchtargets without a label");
        }
        Statement& table = function.body.back();
        table.kind = StatementKind::targets;
        do {
            table.modifiers.push_back(lexer_.expect(TokenKind::word, "a label").text);
        } while (lexer_.accept(","));
        lexer_.expect(";");
    } else {
        Statement result;
        result.kind = StatementKind::declaration;
        result.line = token.line;
        for (bool more = true; more; more = lexer_.peek().is(",")) {
            if (result.declaration.name.empty()) {
                result.declaration = declaration(false);
            } else {  // .reg .b32 a, b;
                lexer_.expect(",");
                declared_name(result.declaration);
            }
            function.body.push_back(result);
        }
        lexer_.expect(";");
    }
}

// .loc file line column(, function_name ..., inlined_at ...)
void Parser::location() {
    const unsigned line = lexer_.next().line;
    source_.file = static_cast<unsigned>(count("a file"));
    source_.line = static_cast<unsigned>(count("a line"));
    if (lexer_.peek().line == line) {
        lexer_.skip_line();
    }
}

void Parser::statement(FunctionSyntax& function) {
    Statement result;
    result.line = lexer_.peek().line;
    result.source = source_;
    if (lexer_.accept("@")) {
        result.guard_negated = lexer_.accept("!");
        result.guard = lexer_.expect(TokenKind::word, "a predicate").text;
    }
    const Token word = lexer_.expect(TokenKind::word, "an instruction");
    if (lexer_.accept(":")) {
        result.kind = StatementKind::label;
        result.opcode = word.text;
        function.body.push_back(std::move(result));
        return;
    }
    split(word.text, result.modifiers);
    result.opcode = result.modifiers.front();
    result.modifiers.erase(result.modifiers.begin());
    result.operands = parse_operands(lexer_, ";");
    function.body.push_back(std::move(result));
}

}  // namespace

ModuleSyntax parse(std::string_view text, const std::string& name) { return Parser(text, name).module(); }

}  // namespace nibble::simulator
