# SPDX-License-Identifier: MIT
"""Reads a file of C well enough for tools/tidy.py: comments, directives, functions, globals and
public declarations, each with its lines. It is no parser: it follows braces and parentheses, and
knows a function, a control block, a type and an initialiser by what stands before the brace.
Alternative branches of #if are read from the same state, so that each may open or close the same
brace."""
import re
from dataclasses import dataclass, field

CONTROL = {"if", "for", "while", "switch"}
ATTRIBUTES = {"__attribute__", "__declspec", "_Alignas", "alignas", "_Pragma", "defined"}
TYPE_HEAD = re.compile(r"\b(struct|union|enum)\b(\s+\w+)*\s*$")
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


@dataclass
class Comment:
    start: int
    end: int


@dataclass
class Function:
    name: str
    start: int
    end: int = 0
    static: bool = False
    nesting: int = 0
    deepest: int = 0
    calls_itself: bool = False


@dataclass
class Variable:
    name: str
    line: int
    static: bool
    constant: bool


@dataclass
class Statement:
    name: str
    start: int
    end: int
    members: list = field(default_factory=list)


@dataclass
class _Brace:
    kind: str
    chunk: str
    start: int
    paren: int
    function: Function = None
    enum: bool = False


def _blank(text):
    """Spaces for all but line ends."""
    return re.sub(r"[^\n]", " ", text)


def outer_calls(text):
    """Names directly before a parenthesis that is in no other, without attributes."""
    names = []
    depth = 0
    for token in re.finditer(r"[()]|[A-Za-z_]\w*(?=\s*\()", text):
        word = token.group(0)
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif depth == 0 and word not in ATTRIBUTES:
            names.append((word, token.end()))
    return names


def function_name(chunk):
    calls = outer_calls(chunk)
    if not calls:
        return None
    name, end = calls[-1]
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        # A macro that opens a function, SKEP_JOB(move, ...): its first argument is the name.
        argument = re.match(r"\s*\(\s*(\w+)", chunk[end:])
        name = f"{name}({argument.group(1)})" if argument else name
    return name


def word_before_parens(chunk):
    """The identifier before the parentheses that close `chunk`."""
    depth = 0
    for at in range(len(chunk) - 1, -1, -1):
        if chunk[at] == ")":
            depth += 1
        elif chunk[at] == "(":
            depth -= 1
            if depth == 0:
                word = re.search(r"([A-Za-z_]\w*)\s*$", chunk[:at])
                return word.group(1) if word else ""
    return ""


class Source:
    """One file of C. Line numbers count from one."""

    def __init__(self, text):
        self.lines = text.split("\n")
        self.comments = []
        self.comment_lines = set()
        code = self._strip(text)
        self.leading_lines = self._leading(code)
        self.directives = []     # (first line, last line, text)
        self.includes = []       # (line, name, quoted)
        self.macros = {}         # name: line
        self.macro_spans = {}    # name: (first line, last line)
        self.undefined = set()
        self.guard = None
        code_lines = code.split("\n")
        self._directives(code_lines)
        self.code_lines = code_lines
        self.functions = []
        self.variables = []
        self.statements = []
        self.unbalanced = 0
        self._scan()

    def _strip(self, text):
        """The text without comments and without what strings hold; lines stay where they are."""
        def replace(match):
            token = match.group(0)
            if token[0] == "/":
                start = text.count("\n", 0, match.start()) + 1
                comment = Comment(start, start + token.count("\n"))
                self.comments.append(comment)
                self.comment_lines.update(range(comment.start, comment.end + 1))
                return _blank(token)
            return token[0] + _blank(token[1:-1]) + token[-1]
        return TOKEN.sub(replace, text)

    def _leading(self, code):
        """Lines of the comments that stand before what they describe, not behind it."""
        lines = code.split("\n")
        return {line for comment in self.comments if not lines[comment.start - 1].strip()
                for line in range(comment.start, comment.end + 1)}

    def _directives(self, code_lines):
        """Takes the preprocessor's lines out of the code, and remembers what they say. The names of
        includes are read from the raw lines, since they look like strings."""
        number = 0
        while number < len(code_lines):
            if not code_lines[number].lstrip().startswith("#"):
                number += 1
                continue
            first = number
            while code_lines[number].rstrip().endswith("\\") and number + 1 < len(code_lines):
                number += 1
            text = "\n".join(code_lines[first:number + 1])
            self._directive(first, number, text)
            for line in range(first, number + 1):
                code_lines[line] = ""
            number += 1

    def _directive(self, first, last, text):
        self.directives.append((first + 1, last + 1, text))
        include = re.match(r"\s*#\s*include\s*(\"([^\"]+)\"|<([^>]+)>)", self.lines[first])
        if include:
            self.includes.append((first + 1, include.group(2) or include.group(3),
                                  bool(include.group(2))))
        define = re.match(r"\s*#\s*define\s+(\w+)", text)
        if define:
            name = define.group(1)
            self.macros.setdefault(name, first + 1)
            self.macro_spans[name] = (first + 1, last + 1) if name not in self.macro_spans else \
                self._documented_span(name, first, last)
            if len(self.directives) == 2 and re.match(r"\s*#\s*ifndef\s+" + name + r"\s*$",
                                                      self.directives[0][2]):
                self.guard = name
        undef = re.match(r"\s*#\s*undef\s+(\w+)", text)
        if undef:
            self.undefined.add(undef.group(1))

    def _documented_span(self, name, first, last):
        """Of two definitions of a macro, in two branches, the one after a comment."""
        return (first + 1, last + 1) if first in self.comment_lines else self.macro_spans[name]

    def _scan(self):
        state = _Scanner(self)
        directives = {first: text for first, _, text in self.directives}
        saved = []
        for number, line in enumerate(self.code_lines, 1):
            text = directives.get(number, "")
            if re.match(r"\s*#\s*if", text):
                saved.append(state.save())
            elif re.match(r"\s*#\s*el", text) and saved:
                state.restore(saved[-1])
            elif re.match(r"\s*#\s*endif", text) and saved:
                saved.pop()
            state.feed(number, line)
        if state.stack:
            self.unbalanced = state.stack[-1].start


class _Scanner:
    """Follows braces and parentheses, and files what it meets in its Source."""

    def __init__(self, source):
        self.source = source
        self.stack = []
        self.chunk = ""
        self.start = 0
        self.paren = 0
        self.members = []

    def save(self):
        return list(self.stack), self.chunk, self.start, self.paren

    def restore(self, state):
        stack, self.chunk, self.start, self.paren = state
        self.stack = list(stack)

    def top(self):
        return self.stack[-1].kind if self.stack else "file"

    def feed(self, number, line):
        for char in line + "\n":
            if char == "{":
                self.open(number)
            elif char == "}":
                self.close(number)
            elif char == ";" and self.paren == 0:
                self.finish(number)
            elif char == "," and self.paren == 0 and self.top() == "type" and self.stack[-1].enum:
                self.finish(number)
            else:
                self.add(char, number)

    def add(self, char, number):
        if char == "(":
            self.paren += 1
        elif char == ")":
            self.paren = max(0, self.paren - 1)
        if not self.chunk.strip() and not char.isspace():
            self.start = number
        self.chunk += char

    def kind_of_brace(self):
        before = self.chunk.rstrip()
        if self.top() in ("file", "extern"):
            if re.search(r'extern\s*"\s*"$', before):
                return "extern"
            if before.endswith(")") and "=" not in re.sub(r"\(.*\)", "", before, flags=re.S):
                return "function"
            return "type" if TYPE_HEAD.search(before) else "init"
        if TYPE_HEAD.search(before):
            return "type"
        if self.top() in ("type", "init"):
            return "init"
        if before == "" or before.endswith(":"):
            return "control"
        if before.endswith(")"):
            word = word_before_parens(before)
            upper = re.fullmatch(r"[A-Z][A-Z0-9_]*", word)
            return "control" if word in CONTROL or upper else "init"
        return "control" if re.search(r"\b(else|do)$", before) else "init"

    def open(self, number):
        kind = self.kind_of_brace()
        brace = _Brace(kind, self.chunk, self.start or number, self.paren)
        if kind == "function":
            name = function_name(self.chunk) or "?"
            brace.function = Function(name, self.start, static="static" in self.chunk.split() or
                                      "SKEP_INLINE" in self.chunk.split())
            self.source.functions.append(brace.function)
        elif kind == "type":
            brace.enum = bool(re.search(r"\benum\b(\s+\w+)*\s*$", self.chunk.rstrip()))
            if self.top() in ("file", "extern"):
                self.members = []
        self.stack.append(brace)
        function = self.function()
        if function and kind == "control":
            depth = sum(brace.kind == "control" for brace in self.stack)
            if depth > function.nesting:
                function.nesting, function.deepest = depth, number
        self.chunk, self.start, self.paren = "", 0, 0

    def function(self):
        for brace in self.stack:
            if brace.function:
                return brace.function
        return None

    def close(self, number):
        if not self.stack:
            self.source.unbalanced = self.source.unbalanced or number
            return
        if self.top() == "type" and self.chunk.strip():
            self.finish(number)  # the last constant of an enum
        brace = self.stack.pop()
        if brace.kind in ("init", "type"):
            self.chunk, self.start, self.paren = brace.chunk + "{}", brace.start, brace.paren
            return
        self.chunk, self.start, self.paren = "", 0, brace.paren
        if brace.kind == "function":
            brace.function.end = number
            self.own_calls(brace.function)
            self.source.statements.append(Statement(brace.function.name, brace.function.start,
                                                    number))

    def own_calls(self, function):
        body = "\n".join(self.source.code_lines[function.start - 1:function.end])
        body = body[body.find("{"):]
        function.calls_itself = bool(re.search(r"(?<![\w.>])" + re.escape(function.name) + r"\s*\(",
                                               body))

    def finish(self, number):
        chunk, start = " ".join(self.chunk.split()), self.start
        self.chunk, self.start = "", 0
        if not chunk:
            return
        if self.top() in ("file", "extern"):
            self.declaration(chunk, start, number)
        elif self.top() == "type" and not self.function():
            name = declared_name(chunk)
            if name and not chunk.endswith("{}"):
                self.members.append(Statement(name, start, number))

    def declaration(self, chunk, start, number):
        members, self.members = (self.members, []) if "{}" in chunk else ([], self.members)
        if chunk.startswith(("_Static_assert", "static_assert")):
            return
        self.source.statements.append(Statement(declared_name(chunk), start, number, members))
        variable = variable_of(chunk, start)
        if variable:
            self.source.variables.append(variable)


def declared_name(chunk):
    """The name that a declaration gives to a function, type, variable or member."""
    head = chunk.split("=")[0]
    pointer = re.search(r"\(\s*\*\s*(?:const\s+)?(\w+)", head)
    if pointer:
        return pointer.group(1)
    calls = outer_calls(head)
    if calls:
        name = function_name(head)
        if name and "(" not in name:
            return name
    head = re.sub(r"\[[^\]]*\]|:\s*\d+|__attribute__\s*\(\(.*?\)\)", "", head)
    names = re.findall(r"[A-Za-z_]\w*", head)
    return names[-1] if names else ""


def variable_of(chunk, line):
    """A variable at file scope, or None for whatever else a declaration is."""
    if chunk.startswith(("typedef", "extern")) or chunk.split("=")[0].count("("):
        return None
    static = bool(re.match(r"(_Thread_local |inline )*static\b", chunk))
    head = chunk.split("=")[0]
    if re.match(r"(struct|union|enum)\b[\w ]*(\{\})?$", head.strip()):
        return None
    declarator = re.sub(r"\[[^\]]*\]", "", head).strip()
    words = re.findall(r"\w+", declarator)
    if len(words) < 2:
        return None
    last_star = declarator.rfind("*")
    constant = bool(re.search(r"\bconst\b", declarator[last_star + 1:]))
    return Variable(words[-1], line, static, constant)
