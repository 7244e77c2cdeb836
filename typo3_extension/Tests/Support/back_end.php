<?php

declare(strict_types=1);

/**
 * The back end's classes against a running portal, without TYPO3: JSON with the case on standard input, JSON with what
 * came of it on standard output.
 */

namespace Mieterportal\Typo3\Tests\Support;

use Mieterportal\Typo3\Admin\AdminClient;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Aushang\AushangForm;
use Mieterportal\Typo3\Aushang\Choices;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Setup\Assistant;
use Mieterportal\Typo3\Setup\Finding;
use Mieterportal\Typo3\Setup\SiteFacts;

require __DIR__ . '/../bootstrap.php';

$case = json_decode((string)stream_get_contents(STDIN), true, 16, JSON_THROW_ON_ERROR);
$settings = new PortalSettings($case['url'], $case['connection'], $case['internal'] ?? '', (float)($case['timeout'] ?? 5));
$keys = new KeyRing($case['keys']);
$ahead = (int)($case['clock'] ?? 0);
$clock = static fn(): int => time() + $ahead;
$asking = new Claims('be_users:1', hash('sha256', 'back end'));
$client = new AdminClient(new CurlHttp(), $settings, new SessionSigner($case['connection'], $case['url'], $keys, $clock), $asking);

try {
    $said = match ($case['do']) {
        'examine' => array_map(
            static fn(Finding $one): array => [$one->step->value, $one->state->value, $one->outcome, $one->arguments],
            (new Assistant(new CurlHttp(), $asking, $clock))->examine(new SiteFacts(
                settings: $settings,
                keys: $keys,
                keyVariable: 'MIETERPORTAL_KEY',
                origins: $case['origins'],
                backendOrigin: $case['origins'][0],
                pageUrl: $case['page'] ?? '',
                login: 'good',
            )),
        ),
        'status' => $client->status(),
        'parked' => $client->parked(limit: (int)($case['limit'] ?? 50), after: $case['after'] ?? ''),
        'vorgang' => $client->vorgang($case['id']),
        'retry' => $client->retry($case['id']),
        'retryAll' => $client->retryAll(),
        'catalog' => $client->catalog(),
        'routing' => $client->routing($case['case']),
        'aushaenge' => $client->aushaenge(($case['over'] ?? false) === true, $case['before'] ?? '', (int)($case['limit'] ?? 50)),
        'aushang' => $client->aushang($case['id']),
        'putUp' => $client->putUp($case['id'] ?? '', AushangForm::typed($case['form'])->body()),
        'withdraw' => $client->withdraw($case['id']),
        'choices' => Choices::read($client, 'de'),
        'form' => AushangForm::of($client->aushang($case['id']), $case['timezone'], time()),
    };
} catch (NoAnswer $none) {
    $said = ['trouble' => $none->trouble->value, 'detail' => $none->detail];
}
echo json_encode($said, JSON_THROW_ON_ERROR);
