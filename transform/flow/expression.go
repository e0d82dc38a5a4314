package flow

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"millrace/internal/fault"
)

const meterName = "__meter"

// expression is one compiled expression of a document.
type expression struct {
	line, column int
	program      *vm.Program
	uses         map[string]bool // the names it refers to
}

// compile checks source against the names that are known where it stands.
// The error's position is relative to source: line 1, column 0 is its start.
func compile(source string, known []string) (*expression, *file.Error) {
	env := types.Map{meterName: types.Any}
	for _, name := range known {
		env[name] = types.Any
	}
	r := &rewriter{library: functions(), operators: operators(), uses: make(map[string]bool)}
	// Not optimised: folding would skip checks, such as that both sides of an
	// "and" are true or false.
	options := []expr.Option{expr.Env(env), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Optimize(false), expr.Patch(r)}
	for _, name := range []string{"len", "concat", "first", "last", "keys"} {
		options = append(options, expr.EnableBuiltin(name))
	}
	for name, f := range r.library {
		options = append(options, expr.Function(name, metered(name, f)))
	}
	program, err := expr.Compile(source, options...)
	if r.err != nil {
		return nil, r.err.Bind(file.NewSource(source))
	}
	if at, ok := errors.AsType[*file.Error](err); ok {
		if name, unknown := strings.CutPrefix(at.Message, "unknown name "); unknown {
			at.Message = fmt.Sprintf("unknown name %s; known here: %s", name, strings.Join(known, ", "))
		}
		return nil, at
	}
	if err != nil {
		return nil, &file.Error{Line: 1, Message: err.Error()}
	}
	return &expression{program: program, uses: r.uses}, nil
}

// metered makes the form of f that expr calls, with the meter as its first
// argument.
func metered(name string, f function) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		m, ok := args[0].(*meter)
		if !ok {
			return nil, fmt.Errorf("%s: no meter", name)
		}
		if err := m.tick(1); err != nil {
			return nil, err
		}
		return f.call(m, args[1:])
	}
}

// run computes the expression. env holds the values of all names, the meter
// included.
func (e *expression) run(env map[string]any) (any, error) {
	machine := vm.VM{MemoryBudget: maxMemory}
	v, err := machine.Run(e.program, env)
	if err == nil {
		return v, nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return nil, f
	}
	message := err.Error()
	if at, ok := errors.AsType[*file.Error](err); ok {
		message = at.Message
	}
	if strings.Contains(message, "memory budget exceeded") {
		return nil, fault.Newf("flow.budget_exceeded", "%s", message)
	}
	return nil, fault.Newf("flow.expression_failed", "%s", message)
}

// condition is run for an expression that must be true or false.
func (e *expression) condition(env map[string]any) (bool, error) {
	v, err := e.run(env)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fault.Newf("flow.expression_failed", "%s where true or false is needed", kindOf(v))
	}
	return b, nil
}

// rewriter replaces operators by our functions, gives every function its
// meter, makes loops count their turns, and refuses what is not part of the
// language.
type rewriter struct {
	library   map[string]function
	operators map[string]string
	uses      map[string]bool
	err       *file.Error
}

func (r *rewriter) refuse(n ast.Node, format string, args ...any) {
	if r.err == nil {
		r.err = &file.Error{Location: n.Location(), Message: fmt.Sprintf(format, args...)}
	}
}

// Visit is called for every node, children first; nodes that it makes are not
// visited again.
func (r *rewriter) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if strings.HasPrefix(n.Value, "__") || strings.HasPrefix(n.Value, "$") {
			r.refuse(n, "the name %s is reserved", n.Value)
		}
		r.uses[n.Value] = true
	case *ast.FloatNode:
		r.refuse(n, "a literal with a decimal point is a float; write it as a quotient, such as 5 / 100")
	case *ast.UnaryNode:
		if n.Operator == "-" {
			ast.Patch(node, r.call("__neg", n.Node))
		}
	case *ast.BinaryNode:
		if name, ok := r.operators[n.Operator]; ok {
			ast.Patch(node, r.call(name, n.Left, n.Right))
		} else if !plainOperator(n.Operator) {
			r.refuse(n, "the operator %s is not part of the flow language", n.Operator)
		}
	case *ast.PredicateNode:
		n.Node = r.call("__tick", n.Node)
	case *ast.BuiltinNode:
		if !builtin(n.Name) {
			r.refuse(n, "the function %s is not part of the flow language", n.Name)
		}
	case *ast.CallNode:
		r.visitCall(node, n)
	}
}

func (r *rewriter) visitCall(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		r.refuse(n, "only functions can be called")
		return
	}
	f, ok := r.library[callee.Value]
	if !ok {
		r.refuse(n, "unknown function %s; known: %s", callee.Value, strings.Join(r.names(), ", "))
		return
	}
	if len(n.Arguments) < f.least || len(n.Arguments) > f.most {
		r.refuse(n, "%s takes %d to %d arguments, not %d", callee.Value, f.least, f.most, len(n.Arguments))
		return
	}
	delete(r.uses, callee.Value)
	ast.Patch(node, r.call(callee.Value, n.Arguments...))
}

func (r *rewriter) call(name string, args ...ast.Node) *ast.CallNode {
	return &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: name},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: meterName}}, args...),
	}
}

func (r *rewriter) names() []string {
	names := slices.Sorted(maps.Keys(r.library))
	return slices.DeleteFunc(names, func(s string) bool { return strings.HasPrefix(s, "__") })
}
