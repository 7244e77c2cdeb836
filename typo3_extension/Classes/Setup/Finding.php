<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

/**
 * What a step found. Its words are the labels `setup.<step>.<outcome>` and, if there is something to do, `….remedy`.
 */
final readonly class Finding
{
    /**
     * @param list<string|int> $arguments what the words speak of; never a secret
     */
    public function __construct(
        public Step $step,
        public State $state,
        public string $outcome,
        public array $arguments = [],
    ) {}

    public static function good(Step $step, string|int ...$arguments): self
    {
        return new self($step, State::Good, 'good', array_values($arguments));
    }

    public static function later(Step $step): self
    {
        return new self($step, State::Later, 'later');
    }

    public static function warning(Step $step, string $outcome, string|int ...$arguments): self
    {
        return new self($step, State::Warning, $outcome, array_values($arguments));
    }

    public static function bad(Step $step, string $outcome, string|int ...$arguments): self
    {
        return new self($step, State::Bad, $outcome, array_values($arguments));
    }

    /**
     * The label's key; a step that waits for an earlier one says the same whichever it is.
     */
    public function label(): string
    {
        return $this->state === State::Later ? 'setup.later' : 'setup.' . $this->step->value . '.' . $this->outcome;
    }
}
