<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Support;

use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Admin\Http;
use Mieterportal\Typo3\Admin\NoAnswer;

/**
 * A far side that answers by address, with all the faults that one wishes, and remembers what it was asked.
 */
final class FarSide implements Http
{
    /** @var list<array{method: string, url: string, headers: array<string, string>, body: string}> */
    public array $asked = [];

    /**
     * @param array<string, Answer|NoAnswer|\Closure(array<string, string>): Answer> $answers by a part of the address, the first that fits
     */
    public function __construct(private array $answers) {}

    public function send(string $method, string $url, array $headers, float $timeout, string $body = ''): Answer
    {
        $this->asked[] = ['method' => $method, 'url' => $url, 'headers' => $headers, 'body' => $body];
        foreach ($this->answers as $part => $answer) {
            if (str_contains($url, $part)) {
                $answer = $answer instanceof \Closure ? $answer($headers) : $answer;
                if ($answer instanceof NoAnswer) {
                    throw $answer;
                }

                return $answer;
            }
        }

        return new Answer(404, ['content-type' => 'text/html'], '<h1>Not found</h1>');
    }
}
