<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Aushang;

use Mieterportal\Typo3\Aushang\AushangForm;
use Mieterportal\Typo3\Aushang\Choices;
use PHPUnit\Framework\TestCase;

final class AushangFormTest extends TestCase
{
    private const KEPT = [
        'art' => 'STOERUNG',
        'schwere' => 'DRINGEND',
        'titel' => ['de' => 'Heizung'],
        'text' => ['de' => "Eins\nZwei"],
        'gebaeude' => ['G1', '7'],
        'schadensort' => '',
        'schadenskategorie' => 'HEIZUNG',
        'oeffentlich' => false,
        'zeigen_ab' => '2026-07-01T06:10:59Z',
        'von' => '2026-07-01T06:10:59Z',
        'bis' => '2026-12-01T11:30:00Z',
    ];
    private const NOW = 1_790_000_000; // 21 September 2026

    /**
     * @param array<string, mixed> $changes
     */
    private static function kept(array $changes = []): AushangForm
    {
        return AushangForm::of($changes + self::KEPT, 'Europe/Berlin', self::NOW);
    }

    public function testTimesAreAsClocksShowThemWhereResidentsLive(): void
    {
        $form = self::kept();
        self::assertSame(['2026-07-01T08:10', '2026-12-01T12:30'], [$form->von, $form->bis], 'in summer and in winter');
        self::assertSame('01.07.2026 08:10', AushangForm::local('2026-07-01T06:10:00Z', 'Europe/Berlin'));
        self::assertSame('', AushangForm::local(null, 'Europe/Berlin') . AushangForm::local('bald', 'Europe/Berlin'));
    }

    public function testWhenItIsShownIsSaidOnlyWhereThePortalWouldChooseOtherwise(): void
    {
        self::assertSame('', self::kept()->zeigen_ab);
        self::assertSame('2026-07-01T09:00', self::kept(['zeigen_ab' => '2026-07-01T07:00:00Z'])->zeigen_ab);
        self::assertSame('', self::kept(['art' => 'ARBEITEN', 'zeigen_ab' => '2026-06-01T07:00:00Z'])->zeigen_ab, 'shown already');
        self::assertSame('2026-10-01T09:00', self::kept(['art' => 'ARBEITEN', 'zeigen_ab' => '2026-10-01T07:00:00Z'])->zeigen_ab);
    }

    public function testNoBuildingAtAllNeverMeansEverybody(): void
    {
        foreach ([[], ['wo' => 'gebaeude'], ['wo' => 'gebaeude', 'weitere' => " \r\n "], ['wo' => 'x'], ['wo' => ['alle']]] as $typed) {
            self::assertSame([''], AushangForm::typed($typed)->body()['gebaeude'], 'which the portal refuses');
        }
        self::assertSame([], AushangForm::typed(['wo' => 'alle', 'gebaeude' => ['G1']])->body()['gebaeude']);
        self::assertSame(['G1', 'G2'], AushangForm::typed(['wo' => 'gebaeude', 'gebaeude' => ['G1'], 'weitere' => "G2\r\nG1"])->body()['gebaeude']);
    }

    public function testNumbersThatTheListDoesNotHaveStandAmongTheTypedOnes(): void
    {
        $form = self::kept()->sorted(new Choices(gebaeude: [7 => 'Anger 7']));
        self::assertSame([['7'], 'G1'], [$form->gebaeude, $form->weitere]);
        self::assertSame(['7', 'G1'], $form->body()['gebaeude']);
    }

    public function testAFormerNoticeIsUsedAgainForOtherTimes(): void
    {
        $again = self::kept(['zeigen_ab' => '2026-07-01T07:00:00Z'])->again();
        self::assertSame(['', '', ''], [$again->von, $again->bis, $again->zeigen_ab]);
        self::assertSame(['de' => 'Heizung'], $again->titel);
    }

    public function testLinesEndAsThePortalWantsThemAndEmptyLanguagesAreLeftOut(): void
    {
        $body = AushangForm::typed(['titel' => ['de' => ' Hof ', 'en' => ' '], 'text' => ['de' => "Eins\r\nZwei\rDrei"]])->body();
        self::assertSame('{"de":"Hof"}{"de":"Eins\nZwei\nDrei"}', json_encode($body['titel']) . json_encode($body['text']));
        self::assertSame('{}', json_encode(AushangForm::typed([])->body()['titel']), 'an object, not a list');
    }

    public function testWhateverABrowserMaySendIsAForm(): void
    {
        foreach (['art', 'titel', 'text', 'wo', 'gebaeude', 'weitere', 'oeffentlich', 'von', 'timezone'] as $name) {
            foreach (['x', ['x'], [['x']], ["\xff"], 7, null] as $odd) {
                $form = AushangForm::typed([$name => $odd]);
                self::assertSame('Europe/Berlin', $form->timezone);
                self::assertNotFalse(json_encode($form->body(), JSON_INVALID_UTF8_SUBSTITUTE));
                self::assertNotSame([], Choices::of($form)->languages);
            }
        }
    }
}
