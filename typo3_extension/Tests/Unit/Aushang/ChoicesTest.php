<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Aushang;

use Mieterportal\Typo3\Admin\AdminClient;
use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Aushang\AushangForm;
use Mieterportal\Typo3\Aushang\Choices;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Tests\Support\FarSide;
use Mieterportal\Typo3\Tests\Support\Samples;
use PHPUnit\Framework\TestCase;

final class ChoicesTest extends TestCase
{
    private static function read(FarSide $far): Choices
    {
        $signer = new SessionSigner('website', Samples::URL, new KeyRing([Samples::KEY]));

        return Choices::read(new AdminClient($far, Samples::settings(), $signer, new Claims('be_users:1', 'session')), 'en');
    }

    /**
     * @param array<string, string> $gebaeude
     */
    private static function page(array $gebaeude, ?string $next): Answer
    {
        $list = [];
        foreach ($gebaeude as $number => $address) {
            $list[] = ['gebaeude' => (string)$number, 'adresse' => $address];
        }

        return Samples::json(['gebaeude' => $list, 'next' => $next]);
    }

    public function testAllPagesOfBuildingsAreReadAndSortedByAddress(): void
    {
        $found = self::read(new FarSide([
            'after=G2' => self::page(['G3' => 'anger 2'], null),
            '/gebaeude' => self::page(['G1' => 'Anger 10', 'G2' => 'Birkenweg 1'], 'G2'),
            '/version' => Samples::json(['languages' => ['de', 'en']]),
            '/catalog' => Samples::json(['tables' => ['schadensorte' => [['code' => 'W_BAD', 'de' => 'Bad', 'en' => 'Bathroom']]]]),
            '/aushaenge' => Samples::json(['timezone' => 'Europe/Vienna']),
        ]));
        self::assertSame(['G3' => 'anger 2', 'G1' => 'Anger 10', 'G2' => 'Birkenweg 1'], $found->gebaeude);
        self::assertSame([['de', 'en'], 'Europe/Vienna', ['W_BAD' => 'Bathroom']], [$found->languages, $found->timezone, $found->schadensorte]);
    }

    public function testAPortalThatTellsOfNewBuildingsWithoutEndIsLeftSometime(): void
    {
        $far = new FarSide(['/gebaeude' => self::page(['G1' => 'Anger 1'], 'G1'), '/api/' => Samples::json(['timezone' => 'nowhere'])]);
        $found = self::read($far);
        self::assertLessThan(40, count($far->asked));
        self::assertSame([['de'], 'Europe/Berlin'], [$found->languages, $found->timezone]);
    }

    public function testTheFormItselfTellsWhatItHadToChooseFrom(): void
    {
        $form = AushangForm::typed(['titel' => ['de' => '', 'en' => ''], 'gebaeude' => ['7'], 'schadensort' => 'W_BAD']);
        $found = Choices::of($form);
        self::assertSame([['de', 'en'], [7 => '7'], ['W_BAD' => 'W_BAD'], []], [$found->languages, $found->gebaeude, $found->schadensorte, $found->schadenskategorien]);
        self::assertSame(['7'], $form->sorted($found)->gebaeude);
    }
}
