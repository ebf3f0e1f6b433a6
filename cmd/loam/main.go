// Command loam is a gateway, a hub, and the tools to look at both. Each subcommand has a file of its own; gateway.go,
// stages.go (what a hub keeps), hub.go and demo.go wire the roles in the order a reading passes through them.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run is main with a result, so that deferred work is done before the process ends.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := command()
	if err := root.ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errSaid) {
			fmt.Fprintf(root.ErrOrStderr(), "loam: %v\n", err)
		}
		return 1
	}
	return 0
}

// errSaid ends a command with exit code 1 after it has said everything itself.
var errSaid = errors.New("already said")

// command returns the whole command tree.
func command() *cobra.Command {
	root := group("loam", "From soil, water and air to numbers that hold up")
	root.Long = "loam reads probes in soil, water and air, signs what they said, keeps it as evidence, values the health of each\n" +
		"site by rules its community chose, and credits the stewards of the land. Anyone can recompute every credit."
	root.Version, root.SilenceUsage, root.SilenceErrors = version(), true, true
	root.AddCommand(
		demoCommand(), gatewayCommand(), hubCommand(),
		configCommand(), sensorsCommand(), calibrateCommand(), scanCommand(), deriveCommand(), doctorCommand(),
		valueCommand(), verifyCommand(), rebuildCommand(), auditCommand(), exportCommand(), ledgerCommand(), challengeCommand(), wireCommand(),
	)
	return root
}

// group returns a command that only holds others. Without one of them it shows its help; a word it does not know is an
// error, with the nearest one it does.
func group(use, short string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return fmt.Errorf("%s knows no %q: did you mean %q?", cmd.CommandPath(), args[0], near[0])
			}
			return fmt.Errorf("%s knows no %q: see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
		},
		SuggestionsMinimumDistance: 2,
	}
}

// one wants exactly one argument, and says which.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s wants %s, and got %d arguments: see %s --help", cmd.CommandPath(), what, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// version is the module version or commit this binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return info.Main.Version + " (" + s.Value[:12] + ")"
		}
	}
	return info.Main.Version
}

// logger writes what happened to w, as text for people or as JSON for programs.
func logger(cmd *cobra.Command, level string, json bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: use debug, info, warn or error", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	if json {
		return slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), opts)), nil
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), opts)), nil
}
