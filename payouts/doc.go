// Package payouts turns statements into credits. It holds no code itself; its folders are the steps:
//
//	challenge   the window in which anyone may object, and what became of it
//	ledger      double entry: the only place that says who has how much
//	policy      what a statement is worth: who gets how many minor units
//	settlement  carries final statements into the ledger, each once
package payouts
