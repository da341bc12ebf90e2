// Modules: variables placed, kernels decoded. See module.h.
#include "module.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <unordered_map>

#include "decoder.h"
#include "parser.h"
#include "program.h"

namespace nibble::simulator {

namespace {

constexpr std::uint64_t constant_limit = 64 * 1024;

[[noreturn]] void refuse(const ModuleNames& names, unsigned line, const std::string& message) {
    throw PtxError(line, names.name + ":" + std::to_string(line) + ": " + message);
}

unsigned element_bytes(const ModuleNames& names, const Declaration& declaration) {
    const std::optional<Type> type = type_of(declaration.type);
    if (!type || *type == Type::pred) {
        refuse(names, declaration.line, "variables of type ." + std::string(declaration.type) + " are not supported");
    }
    return bits_of(*type) / 8;
}

// The bits of an initial value: a number, or another variable's address.
std::uint64_t value_of(const ModuleNames& names, const Declaration& declaration, const Operand& operand) {
    if (operand.kind == OperandKind::name) {
        const auto found = names.globals.find(operand.name);
        if (found == names.globals.end()) {
            refuse(names, declaration.line, "the value '" + std::string(operand.name) + "' is not known");
        }
        return found->second + operand.value;
    }
    if (operand.kind == OperandKind::real && declaration.type == "f32") {
        const auto single = static_cast<float>(std::bit_cast<double>(operand.value));
        return std::bit_cast<std::uint32_t>(single);
    }
    return operand.value;
}

void initialise(const ModuleNames& names, const Declaration& declaration, std::uint64_t address) {
    const unsigned bytes = element_bytes(names, declaration);
    std::memset(reinterpret_cast<void*>(address), 0, bytes * declaration.elements);
    if (declaration.values.size() > declaration.elements) {
        refuse(names, declaration.line, "more values than elements");
    }
    std::uint64_t at = address;
    for (const Operand& operand : declaration.values) {
        const std::uint64_t value = value_of(names, declaration, operand);
        std::memcpy(reinterpret_cast<void*>(at), &value, std::min<unsigned>(bytes, 8));
        at += bytes;
    }
}

std::vector<Parameter> place_parameters(const ModuleNames& names, const FunctionSyntax& syntax, std::uint32_t& end) {
    std::vector<Parameter> result;
    for (const Declaration& declaration : syntax.parameters) {
        const unsigned element = element_bytes(names, declaration);
        const unsigned alignment = std::max(declaration.alignment, element);
        end = (end + alignment - 1) / alignment * alignment;
        result.push_back({end, static_cast<std::uint32_t>(element * declaration.elements)});
        end += result.back().bytes;
    }
    return result;
}

std::unique_ptr<Function> make_function(const ModuleNames& names, const FunctionSyntax& syntax, std::uint64_t constants) {
    auto function = std::make_unique<Function>();
    function->name = syntax.name;
    function->parameters = place_parameters(names, syntax, function->parameter_bytes);
    function->program = Decoder(names, syntax).decode();
    function->static_shared_bytes = function->program->static_shared;
    function->local_bytes = function->program->local_bytes;
    function->registers = function->program->registers;
    function->constant_bytes = static_cast<std::uint32_t>(constants);
    function->target = names.syntax->target;
    if (syntax.max_threads != 0) {
        function->max_threads = static_cast<std::uint32_t>(std::min<std::uint64_t>(syntax.max_threads, 1024));
    }
    if (function->static_shared_bytes > 48 * 1024) {
        refuse(names, syntax.line, "kernel " + function->name + " uses " + std::to_string(function->static_shared_bytes) +
                                       " bytes of static shared memory, more than 49152");
    }
    return function;
}

}  // namespace

Module::Module(std::string_view ptx, DeviceMemory& memory, const std::string& name) : memory_(memory) {
    ModuleNames names;
    names.name = name;
    names.text = std::make_shared<const std::string>(ptx);
    const ModuleSyntax syntax = parse(*names.text, name);
    names.syntax = &syntax;
    std::uint64_t constants = 0;
    try {
        for (const Declaration& declaration : syntax.variables) {
            if (declaration.space == "shared") {
                names.shared[declaration.name] = &declaration;
                continue;
            }
            if (declaration.external) {
                refuse(names, declaration.line, "variable '" + std::string(declaration.name) + "' is in another module");
            }
            const std::uint64_t bytes = std::max<std::uint64_t>(element_bytes(names, declaration) * declaration.elements, 1);
            constants += declaration.space == "const" ? bytes : 0;
            const std::uint64_t address = memory.allocate(bytes, MemoryKind::global_variable, std::string(declaration.name));
            if (address == 0) {
                throw std::bad_alloc();
            }
            variables_.push_back({std::string(declaration.name), address, bytes});
            names.globals[declaration.name] = address;
            initialise(names, declaration, address);
            memory.mark(address, bytes);
        }
        if (constants > constant_limit) {
            refuse(names, 1, std::to_string(constants) + " bytes of constant memory, more than 65536");
        }
        for (const FunctionSyntax& function : syntax.functions) {
            const FunctionSyntax*& known = names.functions[function.name];
            known = known == nullptr || function.defined ? &function : known;
        }
        for (const FunctionSyntax& function : syntax.functions) {
            if (function.kernel && function.defined) {
                functions_.push_back(make_function(names, function, constants));
            }
        }
    } catch (...) {
        for (const Variable& variable : variables_) {
            memory_.free(variable.address);
        }
        throw;
    }
}

Module::~Module() {
    for (const Variable& variable : variables_) {
        memory_.free(variable.address);
    }
}

const Function* Module::function(std::string_view name) const {
    for (const std::unique_ptr<Function>& function : functions_) {
        if (function->name == name) {
            return function.get();
        }
    }
    return nullptr;
}

const Variable* Module::variable(std::string_view name) const {
    for (const Variable& variable : variables_) {
        if (variable.name == name) {
            return &variable;
        }
    }
    return nullptr;
}

}  // namespace nibble::simulator
